/*!
 * \file node/engine_report.h
 * \brief What an engine tells of itself, as JavaScript values: counters, histograms, traces.
 */
#ifndef NODE_MLC_NODE_ENGINE_REPORT_H_
#define NODE_MLC_NODE_ENGINE_REPORT_H_

#include <node_api.h>

#include <vector>

#include "engine/metrics.h"
#include "engine/model_config.h"
#include "engine/trace.h"

namespace node_mlc {

/*! \brief What NativeEngineStats says beside the counters. */
struct EngineFacts {
  int32_t threads = 0;
  double load_ms = 0.0;
};

/*! \brief NativeEngineStats. */
napi_value ToJsStats(napi_env env, const EngineStats& stats, const ModelConfig& config,
                     const EngineFacts& facts);

/*! \brief NativeTrace. */
napi_value ToJsTrace(napi_env env, const Trace& trace);

/*! \brief A Float32Array of `values`. */
napi_value ToFloat32Array(napi_env env, std::vector<float> values);

/*! \brief A Uint8Array of `values`. */
napi_value ToUint8Array(napi_env env, std::vector<uint8_t> values);

/*! \brief An Int32Array of `values`. */
napi_value ToInt32Array(napi_env env, std::vector<int32_t> values);

/*! \brief A Float64Array of `values`. */
napi_value ToFloat64Array(napi_env env, std::vector<double> values);

}  // namespace node_mlc

#endif  // NODE_MLC_NODE_ENGINE_REPORT_H_
