//! Start and end of a process without a runtime.

use super::{AT_FDCWD, call, number};
use crate::{End, verb};
use core::arch::global_asm;
use core::ffi::{CStr, c_char};
use core::ptr;

// The kernel jumps here with the arguments on the stack. Nothing may be pushed before the stack is
// aligned to 16 bytes, so this cannot be a Rust function.
#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {start}", "ud2", start = sym start);

#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, xzr", "mov x30, xzr", "mov x0, sp", "bl {start}", "brk 1", start = sym start);

/// The longest path that the kernel takes, with its NUL.
const PATH_MAX: usize = 4096;

/// Takes the stack as the kernel leaves it: argument count, arguments, null, environment, null.
unsafe extern "C" fn start(stack: *mut usize) -> ! {
    // SAFETY: the layout above is the kernel's promise, for every program it starts.
    let (count, arguments, environment) = unsafe {
        let count = stack.read();
        let arguments = stack.add(1).cast::<*const c_char>();
        (count, arguments, arguments.add(count + 1))
    };
    // SAFETY: argument 1 exists if there are two or more, and ends with NUL.
    let verb = (count > 1).then(|| unsafe { CStr::from_ptr(arguments.add(1).read()) });
    // SAFETY: the environment is a list of pointers that ends with null.
    let directory = unsafe { variable(environment, b"XDG_RUNTIME_DIR=") };
    match crate::run(verb, count.saturating_sub(2), directory) {
        End::Exit(code) => exit(code),
        End::Become(verb) => {
            // SAFETY: a verb was found, so there are two arguments or more.
            unsafe { turn_into_omg(verb, arguments, environment) };
            super::write(super::STDERR, verb::NO_OMG);
            exit(1)
        }
    }
}

/// The value of a variable; `name` ends with `=`.
///
/// # Safety
/// `environment` must point to pointers to texts that end with NUL, the last pointer being null.
unsafe fn variable(mut environment: *const *const c_char, name: &[u8]) -> Option<&'static CStr> {
    loop {
        // SAFETY: we are not behind the null yet.
        let entry = unsafe { environment.read() };
        if entry.is_null() {
            return None;
        }
        // SAFETY: a text that ends with NUL; comparing stops at the first difference, so no byte
        // behind the NUL (which differs from every byte of the name) is read.
        let same = name
            .iter()
            .enumerate()
            .all(|(at, byte)| unsafe { entry.add(at).read() } as u8 == *byte);
        if same {
            // SAFETY: the name was all there, so this is still within the text or at its NUL; the
            // kernel's memory for the environment lives as long as the process.
            return Some(unsafe { CStr::from_ptr(entry.add(name.len())) });
        }
        // SAFETY: the entry was not the null at the end.
        environment = unsafe { environment.add(1) };
    }
}

/// Replaces this process by the `omg` beside it. Returns if that cannot be done.
///
/// # Safety
/// `arguments` and `environment` must be those of the kernel, with two arguments or more.
#[cold]
unsafe fn turn_into_omg(
    verb: &CStr,
    arguments: *mut *const c_char,
    environment: *const *const c_char,
) {
    let mut path = [0_u8; PATH_MAX];
    let link = [
        AT_FDCWD,
        c"/proc/self/exe".as_ptr().addr(),
        path.as_mut_ptr().expose_provenance(),
        PATH_MAX,
        0,
    ];
    // SAFETY: the kernel writes at most PATH_MAX bytes into the buffer.
    let length = unsafe { call(number::READLINKAT, link) };
    let own = usize::try_from(length).ok().and_then(|length| path.get(..length));
    let Some(slash) = own.and_then(|own| own.iter().rposition(|byte| *byte == b'/')) else {
        return;
    };
    let Some(name) = path.get_mut(slash + 1..slash + 5) else { return };
    name.copy_from_slice(b"omg\0");
    // SAFETY: both places exist (the caller's promise), are ours to write, and hold pointers to
    // texts that outlive the call. `path` has a NUL; the rest is as the kernel gave it.
    unsafe {
        arguments.write(path.as_ptr().cast());
        arguments.add(1).write(verb.as_ptr());
        call(
            number::EXECVE,
            [
                path.as_ptr().expose_provenance(),
                arguments.expose_provenance(),
                environment.expose_provenance(),
                0,
                0,
            ],
        );
    }
}

/// Ends the process.
fn exit(code: i32) -> ! {
    loop {
        // SAFETY: touches no memory; does not return.
        unsafe { call(number::EXIT_GROUP, [code as usize, 0, 0, 0, 0]) };
    }
}

/// Nothing here panics; the compiler needs to know what would happen.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

// The compiler puts calls to these in for copies and comparisons. Plain loops: the longest run
// they see is one line of text. Volatile keeps them from being compiled into calls of themselves.

/// Copies bytes that do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    for at in 0..count {
        // SAFETY: the caller's promise, as in C.
        unsafe { ptr::write_volatile(to.add(at), from.add(at).read()) };
    }
    to
}

/// Fills with one byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    for at in 0..count {
        // SAFETY: the caller's promise, as in C.
        unsafe { ptr::write_volatile(to.add(at), byte as u8) };
    }
    to
}

/// Compares bytes in order.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    for at in 0..count {
        // SAFETY: the caller's promise, as in C.
        let (left, right) =
            unsafe { (ptr::read_volatile(left.add(at)), ptr::read_volatile(right.add(at))) };
        if left != right {
            return i32::from(left) - i32::from(right);
        }
    }
    0
}

/// Compares bytes for equality.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // SAFETY: the same promise.
    unsafe { memcmp(left, right, count) }
}

/// Length of a text that ends with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const c_char) -> usize {
    let mut length = 0;
    // SAFETY: the caller's promise, as in C.
    while unsafe { ptr::read_volatile(text.add(length)) } != 0 {
        length += 1;
    }
    length
}
