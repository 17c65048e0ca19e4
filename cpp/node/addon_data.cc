/*!
 * \file node/addon_data.cc
 */
#include "node/addon_data.h"

namespace node_mlc {

namespace {

void CloseReaper(void* data) {
  auto* reaper = static_cast<std::shared_ptr<ReferenceReaper>*>(data);
  (*reaper)->Close();
  delete reaper;
}

}  // namespace

AddonData* AddonData::Create(napi_env env) {
  auto* data = new AddonData();
  data->reaper = ReferenceReaper::Create(env);
  napi_set_instance_data(
      env, data, [](napi_env, void* pointer, void*) { delete static_cast<AddonData*>(pointer); },
      nullptr);
  // Hooks run in reverse order, so this one runs before the reaper's thread-safe function is torn
  // down, and both run before the instance data above is deleted.
  napi_add_env_cleanup_hook(env, CloseReaper, new std::shared_ptr<ReferenceReaper>(data->reaper));
  return data;
}

AddonData* AddonData::Get(napi_env env) {
  void* data = nullptr;
  if (napi_get_instance_data(env, &data) != napi_ok) return nullptr;
  return static_cast<AddonData*>(data);
}

}  // namespace node_mlc
