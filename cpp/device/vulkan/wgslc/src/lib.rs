//! C interface of the compiler from WGSL to SPIR-V.
//!
//! No panic leaves it: whatever goes wrong comes back as text.

mod convert;

use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::slice;
use std::sync::Once;

/// SPIR-V is written to `out`.
const CONVERTED: i32 = 0;
/// The message of an error, in UTF-8, is written to `out`.
const REFUSED: i32 = 1;

/// Converts `size` bytes of WGSL; returns 0 and SPIR-V words in little-endian order, or 1 and the message of the
/// error, with line, column and the text around it.
///
/// # Safety
/// `source` points to `size` bytes; `out` and `out_size` can be written. What is written to them is to be given to
/// `node_mlc_wgsl_free` once.
#[no_mangle]
pub unsafe extern "C" fn node_mlc_wgsl_convert(
    source: *const u8,
    size: usize,
    out: *mut *mut u8,
    out_size: *mut usize,
) -> i32 {
    let source = if size == 0 {
        &[]
    } else {
        slice::from_raw_parts(source, size)
    };
    let (status, bytes) = answer(source);
    let bytes = bytes.into_boxed_slice();
    *out_size = bytes.len();
    *out = Box::into_raw(bytes) as *mut u8;
    status
}

/// Frees what `node_mlc_wgsl_convert` has written.
///
/// # Safety
/// `data` and `size` are those of one call of `node_mlc_wgsl_convert`.
#[no_mangle]
pub unsafe extern "C" fn node_mlc_wgsl_free(data: *mut u8, size: usize) {
    drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(data, size)));
}

fn answer(source: &[u8]) -> (i32, Vec<u8>) {
    // The message comes back to the caller; it is not for the process's error output too.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| set_hook(Box::new(|_| {})));
    let converted = catch_unwind(AssertUnwindSafe(|| match std::str::from_utf8(source) {
        Ok(text) => convert::to_spirv(text),
        Err(error) => Err(format!("the source is not UTF-8: {error}")),
    }));
    match converted {
        Ok(Ok(words)) => (CONVERTED, words.iter().flat_map(|word| word.to_le_bytes()).collect()),
        Ok(Err(message)) => (REFUSED, message.into_bytes()),
        Err(panic) => (REFUSED, panic_text(&*panic).into_bytes()),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    format!("naga failed: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: &[u8] = b"@group(0) @binding(0) var<storage, read_write> x : array<f32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id : vec3<u32>) { x[id.x] *= 2.0; }";

    #[test]
    fn a_kernel_becomes_spirv() {
        let (status, words) = answer(KERNEL);
        assert_eq!(status, CONVERTED);
        assert_eq!(words[..4], [0x03, 0x02, 0x23, 0x07]);
    }

    #[test]
    fn broken_source_is_an_error_with_its_place() {
        let (status, message) = answer(b"fn main() {\n  let x = ;\n}");
        assert_eq!(status, REFUSED);
        assert!(String::from_utf8(message).unwrap().contains("wgsl:2:"));
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        assert_eq!(answer(&[0xff, 0xfe]).0, REFUSED);
    }

    #[test]
    fn a_panic_is_an_error() {
        let panic = catch_unwind(|| panic!("of {}", "naga")).unwrap_err();
        assert_eq!(panic_text(&*panic), "naga failed: of naga");
    }
}
