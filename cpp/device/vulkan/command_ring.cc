/*!
 * \file device/vulkan/command_ring.cc
 */
#include "device/vulkan/command_ring.h"

#include "device/vulkan/vulkan_error.h"

namespace node_mlc::vulkan {

CommandRing::CommandRing(const LogicalDevice& device) : device_(device) {
  const DeviceFunctions& vk = device.functions();
  VkCommandPoolCreateInfo pool_info;
  pool_info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  pool_info.queueFamilyIndex = device.properties().queue_family;
  VkCommandPool pool;
  CheckResult(vk.CreateCommandPool(device.handle(), &pool_info, nullptr, &pool),
              "make a pool of command buffers");
  VkCommandBufferAllocateInfo info;
  info.commandPool = pool;
  info.commandBufferCount = 1;
  const VkFenceCreateInfo fence_info;
  for (Slot& slot : slots_) {
    CheckResult(vk.AllocateCommandBuffers(device.handle(), &info, &slot.commands),
                "make a command buffer");
    CheckResult(vk.CreateFence(device.handle(), &fence_info, nullptr, &slot.fence), "make a fence");
  }
}

void CommandRing::Check(VkResult result, const char* action) {
  lost_ = lost_ || result == VK_ERROR_DEVICE_LOST;
  CheckResult(lost_ ? VK_ERROR_DEVICE_LOST : result, action);
}

VkCommandBuffer CommandRing::Open() {
  Check(VK_SUCCESS, "begin commands");
  const Slot& open = slots_[slot()];
  if (recording_) return open.commands;
  if (open_serial() > kSlots) WaitFor(open_serial() - kSlots);
  VkCommandBufferBeginInfo info;
  info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  Check(device_.functions().BeginCommandBuffer(open.commands, &info), "begin commands");
  recording_ = true;
  return open.commands;
}

void CommandRing::Submit() {
  if (!recording_) return;
  const Slot& open = slots_[slot()];
  // Also after a failure: the commands are lost, the next ones begin anew.
  recording_ = false;
  Check(device_.functions().EndCommandBuffer(open.commands), "end commands");
  VkSubmitInfo info;
  info.commandBufferCount = 1;
  info.pCommandBuffers = &open.commands;
  Check(device_.functions().QueueSubmit(device_.queue(), 1, &info, open.fence), "submit commands");
  ++submitted_;
}

void CommandRing::WaitFor(Serial serial) {
  constexpr uint64_t kForever = ~uint64_t{0};
  const DeviceFunctions& vk = device_.functions();
  while (completed_ < serial) {
    const VkFence fence = slots_[(completed_ + 1) % kSlots].fence;
    Check(vk.WaitForFences(device_.handle(), 1, &fence, kTrue, kForever),
          "wait for submitted commands");
    Check(vk.ResetFences(device_.handle(), 1, &fence), "reset a fence");
    ++completed_;
  }
  DestroyDeferred();
}

void CommandRing::Finish() {
  Check(VK_SUCCESS, "end what it has begun");
  Submit();
  WaitFor(submitted_);
}

void CommandRing::Defer(std::function<void()> destroy) {
  deferred_.emplace_back(recording_ ? open_serial() : submitted_, std::move(destroy));
  DestroyDeferred();
}

void CommandRing::DestroyDeferred() {
  while (!deferred_.empty() && deferred_.front().first <= completed_) {
    deferred_.front().second();
    deferred_.pop_front();
  }
}

}  // namespace node_mlc::vulkan
