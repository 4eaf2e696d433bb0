//! The kernel's door: the few system calls that this program makes, as safe functions.
//!
//! All `unsafe` of this crate is here and in `sys/start.rs`. Numbers and layouts are those of the
//! kernel's `asm/unistd_64.h`, `asm-generic/unistd.h` and `linux/stat.h`; `statx` is used in place
//! of `fstat` because its layout is the same on every architecture.
#![expect(
    unsafe_code,
    reason = "system calls without a C library; each block says why it is sound"
)]

#[cfg(freestanding)]
mod start;

use core::arch::asm;
use core::ffi::CStr;

/// File number of standard output.
pub(crate) const STDOUT: i32 = 1;
/// File number of standard error.
pub(crate) const STDERR: i32 = 2;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("omg-fast knows the system calls of x86_64 and aarch64 only");

#[cfg(target_arch = "x86_64")]
mod number {
    pub(super) const WRITE: usize = 1;
    pub(super) const PREAD64: usize = 17;
    pub(super) const GETEUID: usize = 107;
    pub(super) const CLOCK_GETTIME: usize = 228;
    pub(super) const OPENAT: usize = 257;
    pub(super) const STATX: usize = 332;
    #[cfg(freestanding)]
    pub(super) const EXECVE: usize = 59;
    #[cfg(freestanding)]
    pub(super) const READLINKAT: usize = 267;
    #[cfg(freestanding)]
    pub(super) const EXIT_GROUP: usize = 231;
    pub(super) const O_DIRECTORY: usize = 0o200_000;
    pub(super) const O_NOFOLLOW: usize = 0o400_000;
}

#[cfg(target_arch = "aarch64")]
mod number {
    pub(super) const WRITE: usize = 64;
    pub(super) const PREAD64: usize = 67;
    pub(super) const GETEUID: usize = 175;
    pub(super) const CLOCK_GETTIME: usize = 113;
    pub(super) const OPENAT: usize = 56;
    pub(super) const STATX: usize = 291;
    #[cfg(freestanding)]
    pub(super) const EXECVE: usize = 221;
    #[cfg(freestanding)]
    pub(super) const READLINKAT: usize = 78;
    #[cfg(freestanding)]
    pub(super) const EXIT_GROUP: usize = 94;
    pub(super) const O_DIRECTORY: usize = 0o40_000;
    pub(super) const O_NOFOLLOW: usize = 0o100_000;
}

const AT_FDCWD: usize = -100_isize as usize;
const AT_EMPTY_PATH: usize = 0x1000;
const O_NONBLOCK: usize = 0o4000;
const O_CLOEXEC: usize = 0o2_000_000;
const O_PATH: usize = 0o10_000_000;
const CLOCK_REALTIME: usize = 0;
const STATX_TYPE_MODE_UID_SIZE: usize = 0x1 | 0x2 | 0x8 | 0x200;

/// Makes one system call; the result is as the kernel gives it, errors from -4095 to -1.
///
/// # Safety
/// The arguments must be what the call `number` takes; memory that it writes to must be ours to
/// write, and memory that it reads must be readable, for the length that the arguments say.
#[cfg(target_arch = "x86_64")]
unsafe fn call(number: usize, arguments: [usize; 5]) -> isize {
    let result;
    // SAFETY: `syscall` destroys rcx and r11 only; the rest is the caller's promise.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes one system call; the result is as the kernel gives it, errors from -4095 to -1.
///
/// # Safety
/// The arguments must be what the call `number` takes; memory that it writes to must be ours to
/// write, and memory that it reads must be readable, for the length that the arguments say.
#[cfg(target_arch = "aarch64")]
unsafe fn call(number: usize, arguments: [usize; 5]) -> isize {
    let result;
    // SAFETY: `svc 0` keeps all registers but x0; the rest is the caller's promise.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") arguments[0] => result,
            in("x1") arguments[1],
            in("x2") arguments[2],
            in("x3") arguments[3],
            in("x4") arguments[4],
            options(nostack),
        );
    }
    result
}

/// An open file. Never closed: the process ends before that would matter.
pub(crate) struct Fd(usize);

/// What the kernel says of a file: `struct statx` of `linux/stat.h`, as far as it is used here.
#[repr(C)]
pub(crate) struct Stat {
    mask: u32,
    block_size: u32,
    attributes: u64,
    links: u32,
    uid: u32,
    gid: u32,
    mode: u16,
    spare: u16,
    inode: u64,
    size: u64,
    // Blocks, times, devices: the kernel writes 256 bytes in all.
    rest: [u64; 26],
}

const _: () = assert!(size_of::<Stat>() == 256);

impl Stat {
    /// Whether it is a regular file.
    pub(crate) fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// Its owner.
    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    /// Its length in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Whether everybody may write to it.
    pub(crate) fn others_write(&self) -> bool {
        self.mode & 0o002 != 0
    }
}

fn open(directory: usize, path: &CStr, flags: usize) -> Option<Fd> {
    // SAFETY: the path ends with NUL; no mode is needed because nothing is created.
    let fd =
        unsafe { call(number::OPENAT, [directory, path.as_ptr().addr(), flags | O_CLOEXEC, 0, 0]) };
    usize::try_from(fd).ok().map(Fd)
}

/// Opens a directory as a starting point; not through a link in its last part.
pub(crate) fn open_directory(path: &CStr) -> Option<Fd> {
    open(AT_FDCWD, path, O_PATH | number::O_DIRECTORY | number::O_NOFOLLOW)
}

/// Opens a file for reading; never through a link, never waiting for the other end of a pipe.
pub(crate) fn open_file(directory: &Fd, name: &CStr) -> Option<Fd> {
    open(directory.0, name, number::O_NOFOLLOW | O_NONBLOCK)
}

/// Asks about an open file.
pub(crate) fn stat(file: &Fd) -> Option<Stat> {
    let mut stat = core::mem::MaybeUninit::<Stat>::uninit();
    let arguments = [
        file.0,
        c"".as_ptr().addr(),
        AT_EMPTY_PATH,
        STATX_TYPE_MODE_UID_SIZE,
        stat.as_mut_ptr().expose_provenance(),
    ];
    // SAFETY: the kernel writes 256 bytes, the size of `Stat`.
    let result = unsafe { call(number::STATX, arguments) };
    // SAFETY: on success the kernel has written all of it, and every bit pattern is valid.
    (result == 0).then(|| unsafe { stat.assume_init() })
}

/// Fills the buffer from the start of the file in one call; `false` if it cannot.
pub(crate) fn read(file: &Fd, buffer: &mut [u8]) -> bool {
    let arguments = [file.0, buffer.as_mut_ptr().expose_provenance(), buffer.len(), 0, 0];
    // SAFETY: the kernel writes at most `len` bytes into a buffer that is borrowed mutably.
    let count = unsafe { call(number::PREAD64, arguments) };
    usize::try_from(count) == Ok(buffer.len())
}

/// Writes all bytes; `false` if that fails.
pub(crate) fn write(file: i32, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let arguments = [file as usize, bytes.as_ptr().expose_provenance(), bytes.len(), 0, 0];
        // SAFETY: the kernel reads at most `len` bytes of a borrowed slice.
        let count = unsafe { call(number::WRITE, arguments) };
        match usize::try_from(count).ok().and_then(|count| bytes.get(count..)) {
            Some(rest) if rest.len() < bytes.len() => bytes = rest,
            _ => return false,
        }
    }
    true
}

/// The user whose rights this process has.
pub(crate) fn euid() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { call(number::GETEUID, [0; 5]) as u32 }
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    let mut time = [0_u64; 2];
    // SAFETY: the kernel writes a `timespec`, two words of 64 bits. It does not fail for this clock.
    unsafe {
        call(
            number::CLOCK_GETTIME,
            [CLOCK_REALTIME, time.as_mut_ptr().expose_provenance(), 0, 0, 0],
        )
    };
    time[0]
}
