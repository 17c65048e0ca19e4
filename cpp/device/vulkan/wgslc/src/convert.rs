//! WGSL to SPIR-V 1.3 through naga, without the checks that code from the web needs.
//!
//! The source is that of our own compiler: indices are in bounds, loops end, divisors are not zero.

use naga::back::spv;
use naga::front::wgsl;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};

/// The words of the module, or a message that shows the place of the error.
pub fn to_spirv(source: &str) -> Result<Vec<u32>, String> {
    // naga has the subgroup built-ins but does not know the directive, which only announces them.
    let source = source.replace("enable subgroups;", "");
    let module = wgsl::parse_str(&source).map_err(|error| error.emit_to_string(&source))?;
    let info = validator()
        .validate(&module)
        .map_err(|error| error.emit_to_string(&source))?;
    spv::write_vec(&module, &info, &options(), None)
        .map(without_uniform_halves)
        .map_err(|error| error.to_string())
}

/// Takes out a capability that naga declares for 16-bit values in any buffer. Only uniform buffers need it, ours hold
/// 32-bit scalars, and devices may have 16-bit storage without.
fn without_uniform_halves(mut words: Vec<u32>) -> Vec<u32> {
    const HEADER: usize = 5;
    const OP_CAPABILITY: u32 = 2 << 16 | 17;
    const UNIFORM_AND_STORAGE_BUFFER_16_BIT_ACCESS: u32 = 4434;
    let mut at = HEADER;
    // Capabilities are the first instructions.
    while words.get(at) == Some(&OP_CAPABILITY) {
        if words.get(at + 1) == Some(&UNIFORM_AND_STORAGE_BUFFER_16_BIT_ACCESS) {
            words.drain(at..at + 2);
        } else {
            at += 2;
        }
    }
    words
}

fn validator() -> Validator {
    let capabilities = Capabilities::SHADER_FLOAT16
        | Capabilities::SHADER_INT64
        | Capabilities::SUBGROUP
        | Capabilities::SUBGROUP_BARRIER;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator
        .subgroup_stages(ShaderStages::COMPUTE)
        .subgroup_operations(SubgroupOperationSet::all());
    validator
}

fn options() -> spv::Options<'static> {
    let unchecked = BoundsCheckPolicy::Unchecked;
    spv::Options {
        lang_version: (1, 3),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: BoundsCheckPolicies {
            index: unchecked,
            buffer: unchecked,
            image_load: unchecked,
            binding_array: unchecked,
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        // Else float16 values need StorageInputOutput16, which many devices lack.
        use_storage_input_output_16: false,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::to_spirv;

    #[test]
    fn halves_in_storage_need_no_uniform_ones() {
        let words = to_spirv(
            "enable f16;
            @group(0) @binding(0) var<storage, read_write> x : array<f16>;
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id : vec3<u32>) { x[id.x] *= 2.0h; }",
        )
        .unwrap();
        let capability = |number: u32| words.windows(2).any(|pair| pair == [2 << 16 | 17, number]);
        assert!(capability(9) && capability(4433));
        assert!(!capability(4434));
    }
}
