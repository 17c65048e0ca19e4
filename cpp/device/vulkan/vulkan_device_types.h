/*!
 * \file device/vulkan/vulkan_device_types.h
 * \brief What Vulkan tells about a device, as vulkan_types.h declares the rest.
 */
#ifndef NODE_MLC_DEVICE_VULKAN_VULKAN_DEVICE_TYPES_H_
#define NODE_MLC_DEVICE_VULKAN_VULKAN_DEVICE_TYPES_H_

#include "device/vulkan/vulkan_types.h"

namespace node_mlc::vulkan {

struct VkExtensionProperties {
  char extensionName[256]{};
  uint32_t specVersion{};
};

struct VkPhysicalDeviceFeatures {
  VkBool32 robustBufferAccess{};
  VkBool32 fullDrawIndexUint32{};
  VkBool32 imageCubeArray{};
  VkBool32 independentBlend{};
  VkBool32 geometryShader{};
  VkBool32 tessellationShader{};
  VkBool32 sampleRateShading{};
  VkBool32 dualSrcBlend{};
  VkBool32 logicOp{};
  VkBool32 multiDrawIndirect{};
  VkBool32 drawIndirectFirstInstance{};
  VkBool32 depthClamp{};
  VkBool32 depthBiasClamp{};
  VkBool32 fillModeNonSolid{};
  VkBool32 depthBounds{};
  VkBool32 wideLines{};
  VkBool32 largePoints{};
  VkBool32 alphaToOne{};
  VkBool32 multiViewport{};
  VkBool32 samplerAnisotropy{};
  VkBool32 textureCompressionETC2{};
  VkBool32 textureCompressionASTC_LDR{};
  VkBool32 textureCompressionBC{};
  VkBool32 occlusionQueryPrecise{};
  VkBool32 pipelineStatisticsQuery{};
  VkBool32 vertexPipelineStoresAndAtomics{};
  VkBool32 fragmentStoresAndAtomics{};
  VkBool32 shaderTessellationAndGeometryPointSize{};
  VkBool32 shaderImageGatherExtended{};
  VkBool32 shaderStorageImageExtendedFormats{};
  VkBool32 shaderStorageImageMultisample{};
  VkBool32 shaderStorageImageReadWithoutFormat{};
  VkBool32 shaderStorageImageWriteWithoutFormat{};
  VkBool32 shaderUniformBufferArrayDynamicIndexing{};
  VkBool32 shaderSampledImageArrayDynamicIndexing{};
  VkBool32 shaderStorageBufferArrayDynamicIndexing{};
  VkBool32 shaderStorageImageArrayDynamicIndexing{};
  VkBool32 shaderClipDistance{};
  VkBool32 shaderCullDistance{};
  VkBool32 shaderFloat64{};
  VkBool32 shaderInt64{};
  VkBool32 shaderInt16{};
  VkBool32 shaderResourceResidency{};
  VkBool32 shaderResourceMinLod{};
  VkBool32 sparseBinding{};
  VkBool32 sparseResidencyBuffer{};
  VkBool32 sparseResidencyImage2D{};
  VkBool32 sparseResidencyImage3D{};
  VkBool32 sparseResidency2Samples{};
  VkBool32 sparseResidency4Samples{};
  VkBool32 sparseResidency8Samples{};
  VkBool32 sparseResidency16Samples{};
  VkBool32 sparseResidencyAliased{};
  VkBool32 variableMultisampleRate{};
  VkBool32 inheritedQueries{};
};

struct VkPhysicalDeviceLimits {
  uint32_t maxImageDimension1D{};
  uint32_t maxImageDimension2D{};
  uint32_t maxImageDimension3D{};
  uint32_t maxImageDimensionCube{};
  uint32_t maxImageArrayLayers{};
  uint32_t maxTexelBufferElements{};
  uint32_t maxUniformBufferRange{};
  uint32_t maxStorageBufferRange{};
  uint32_t maxPushConstantsSize{};
  uint32_t maxMemoryAllocationCount{};
  uint32_t maxSamplerAllocationCount{};
  VkDeviceSize bufferImageGranularity{};
  VkDeviceSize sparseAddressSpaceSize{};
  uint32_t maxBoundDescriptorSets{};
  uint32_t maxPerStageDescriptorSamplers{};
  uint32_t maxPerStageDescriptorUniformBuffers{};
  uint32_t maxPerStageDescriptorStorageBuffers{};
  uint32_t maxPerStageDescriptorSampledImages{};
  uint32_t maxPerStageDescriptorStorageImages{};
  uint32_t maxPerStageDescriptorInputAttachments{};
  uint32_t maxPerStageResources{};
  uint32_t maxDescriptorSetSamplers{};
  uint32_t maxDescriptorSetUniformBuffers{};
  uint32_t maxDescriptorSetUniformBuffersDynamic{};
  uint32_t maxDescriptorSetStorageBuffers{};
  uint32_t maxDescriptorSetStorageBuffersDynamic{};
  uint32_t maxDescriptorSetSampledImages{};
  uint32_t maxDescriptorSetStorageImages{};
  uint32_t maxDescriptorSetInputAttachments{};
  uint32_t maxVertexInputAttributes{};
  uint32_t maxVertexInputBindings{};
  uint32_t maxVertexInputAttributeOffset{};
  uint32_t maxVertexInputBindingStride{};
  uint32_t maxVertexOutputComponents{};
  uint32_t maxTessellationGenerationLevel{};
  uint32_t maxTessellationPatchSize{};
  uint32_t maxTessellationControlPerVertexInputComponents{};
  uint32_t maxTessellationControlPerVertexOutputComponents{};
  uint32_t maxTessellationControlPerPatchOutputComponents{};
  uint32_t maxTessellationControlTotalOutputComponents{};
  uint32_t maxTessellationEvaluationInputComponents{};
  uint32_t maxTessellationEvaluationOutputComponents{};
  uint32_t maxGeometryShaderInvocations{};
  uint32_t maxGeometryInputComponents{};
  uint32_t maxGeometryOutputComponents{};
  uint32_t maxGeometryOutputVertices{};
  uint32_t maxGeometryTotalOutputComponents{};
  uint32_t maxFragmentInputComponents{};
  uint32_t maxFragmentOutputAttachments{};
  uint32_t maxFragmentDualSrcAttachments{};
  uint32_t maxFragmentCombinedOutputResources{};
  uint32_t maxComputeSharedMemorySize{};
  uint32_t maxComputeWorkGroupCount[3]{};
  uint32_t maxComputeWorkGroupInvocations{};
  uint32_t maxComputeWorkGroupSize[3]{};
  uint32_t subPixelPrecisionBits{};
  uint32_t subTexelPrecisionBits{};
  uint32_t mipmapPrecisionBits{};
  uint32_t maxDrawIndexedIndexValue{};
  uint32_t maxDrawIndirectCount{};
  float maxSamplerLodBias{};
  float maxSamplerAnisotropy{};
  uint32_t maxViewports{};
  uint32_t maxViewportDimensions[2]{};
  float viewportBoundsRange[2]{};
  uint32_t viewportSubPixelBits{};
  size_t minMemoryMapAlignment{};
  VkDeviceSize minTexelBufferOffsetAlignment{};
  VkDeviceSize minUniformBufferOffsetAlignment{};
  VkDeviceSize minStorageBufferOffsetAlignment{};
  int32_t minTexelOffset{};
  uint32_t maxTexelOffset{};
  int32_t minTexelGatherOffset{};
  uint32_t maxTexelGatherOffset{};
  float minInterpolationOffset{};
  float maxInterpolationOffset{};
  uint32_t subPixelInterpolationOffsetBits{};
  uint32_t maxFramebufferWidth{};
  uint32_t maxFramebufferHeight{};
  uint32_t maxFramebufferLayers{};
  VkSampleCountFlags framebufferColorSampleCounts{};
  VkSampleCountFlags framebufferDepthSampleCounts{};
  VkSampleCountFlags framebufferStencilSampleCounts{};
  VkSampleCountFlags framebufferNoAttachmentsSampleCounts{};
  uint32_t maxColorAttachments{};
  VkSampleCountFlags sampledImageColorSampleCounts{};
  VkSampleCountFlags sampledImageIntegerSampleCounts{};
  VkSampleCountFlags sampledImageDepthSampleCounts{};
  VkSampleCountFlags sampledImageStencilSampleCounts{};
  VkSampleCountFlags storageImageSampleCounts{};
  uint32_t maxSampleMaskWords{};
  VkBool32 timestampComputeAndGraphics{};
  float timestampPeriod{};
  uint32_t maxClipDistances{};
  uint32_t maxCullDistances{};
  uint32_t maxCombinedClipAndCullDistances{};
  uint32_t discreteQueuePriorities{};
  float pointSizeRange[2]{};
  float lineWidthRange[2]{};
  float pointSizeGranularity{};
  float lineWidthGranularity{};
  VkBool32 strictLines{};
  VkBool32 standardSampleLocations{};
  VkDeviceSize optimalBufferCopyOffsetAlignment{};
  VkDeviceSize optimalBufferCopyRowPitchAlignment{};
  VkDeviceSize nonCoherentAtomSize{};
};

struct VkPhysicalDeviceSparseProperties {
  VkBool32 residencyStandard2DBlockShape{};
  VkBool32 residencyStandard2DMultisampleBlockShape{};
  VkBool32 residencyStandard3DBlockShape{};
  VkBool32 residencyAlignedMipSize{};
  VkBool32 residencyNonResidentStrict{};
};

struct VkPhysicalDeviceProperties {
  uint32_t apiVersion{};
  uint32_t driverVersion{};
  uint32_t vendorID{};
  uint32_t deviceID{};
  VkPhysicalDeviceType deviceType{};
  char deviceName[256]{};
  uint8_t pipelineCacheUUID[16]{};
  VkPhysicalDeviceLimits limits{};
  VkPhysicalDeviceSparseProperties sparseProperties{};
};

struct VkPhysicalDeviceProperties2 {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  void* pNext{};
  VkPhysicalDeviceProperties properties{};
};

struct VkPhysicalDeviceSubgroupProperties {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
  void* pNext{};
  uint32_t subgroupSize{};
  VkShaderStageFlags supportedStages{};
  VkSubgroupFeatureFlags supportedOperations{};
  VkBool32 quadOperationsInAllStages{};
};

struct VkPhysicalDeviceMaintenance3Properties {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES;
  void* pNext{};
  uint32_t maxPerSetDescriptors{};
  VkDeviceSize maxMemoryAllocationSize{};
};

struct VkConformanceVersion {
  uint8_t major{};
  uint8_t minor{};
  uint8_t subminor{};
  uint8_t patch{};
};

struct VkPhysicalDeviceDriverProperties {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
  void* pNext{};
  uint32_t driverID{};
  char driverName[256]{};
  char driverInfo[256]{};
  VkConformanceVersion conformanceVersion{};
};

struct VkPhysicalDeviceSubgroupSizeControlProperties {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES;
  void* pNext{};
  uint32_t minSubgroupSize{};
  uint32_t maxSubgroupSize{};
  uint32_t maxComputeWorkgroupSubgroups{};
  VkShaderStageFlags requiredSubgroupSizeStages{};
};

struct VkPhysicalDevicePushDescriptorPropertiesKHR {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR;
  void* pNext{};
  uint32_t maxPushDescriptors{};
};

struct VkPhysicalDeviceFeatures2 {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  void* pNext{};
  VkPhysicalDeviceFeatures features{};
};

struct VkPhysicalDevice16BitStorageFeatures {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES;
  void* pNext{};
  VkBool32 storageBuffer16BitAccess{};
  VkBool32 uniformAndStorageBuffer16BitAccess{};
  VkBool32 storagePushConstant16{};
  VkBool32 storageInputOutput16{};
};

struct VkPhysicalDeviceShaderFloat16Int8Features {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES;
  void* pNext{};
  VkBool32 shaderFloat16{};
  VkBool32 shaderInt8{};
};

struct VkPhysicalDeviceSubgroupSizeControlFeatures {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
  void* pNext{};
  VkBool32 subgroupSizeControl{};
  VkBool32 computeFullSubgroups{};
};

struct VkPhysicalDeviceShaderIntegerDotProductFeatures {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES;
  void* pNext{};
  VkBool32 shaderIntegerDotProduct{};
};

struct VkMemoryType {
  VkMemoryPropertyFlags propertyFlags{};
  uint32_t heapIndex{};
};

struct VkMemoryHeap {
  VkDeviceSize size{};
  VkMemoryHeapFlags flags{};
};

struct VkPhysicalDeviceMemoryProperties {
  uint32_t memoryTypeCount{};
  VkMemoryType memoryTypes[32]{};
  uint32_t memoryHeapCount{};
  VkMemoryHeap memoryHeaps[16]{};
};

struct VkPhysicalDeviceMemoryProperties2 {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
  void* pNext{};
  VkPhysicalDeviceMemoryProperties memoryProperties{};
};

struct VkPhysicalDeviceMemoryBudgetPropertiesEXT {
  VkStructureType sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
  void* pNext{};
  VkDeviceSize heapBudget[16]{};
  VkDeviceSize heapUsage[16]{};
};

struct VkExtent3D {
  uint32_t width{};
  uint32_t height{};
  uint32_t depth{};
};

struct VkQueueFamilyProperties {
  VkQueueFlags queueFlags{};
  uint32_t queueCount{};
  uint32_t timestampValidBits{};
  VkExtent3D minImageTransferGranularity{};
};

}  // namespace node_mlc::vulkan

#endif  // NODE_MLC_DEVICE_VULKAN_VULKAN_DEVICE_TYPES_H_
