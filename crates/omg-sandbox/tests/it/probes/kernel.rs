//! Namespaces, mounts, and what kernels were broken through.
//!
//! Calls that would change the machine are made with arguments that can't be carried out: whoever has the
//! right is told so by another error than `EPERM`.
#![expect(unsafe_code, reason = "system calls that no library would make for us")]

use std::ptr::null;

use libc::{c_long, syscall};

use super::processes::{answer, in_child};
use super::{Found, Sees, World};

type Entry = (&'static str, Sees, fn(&World) -> Found);

const OLD: Sees = Sees::Perhaps("kernels without it, or that restrict it");

pub(super) const PROBES: &[Entry] = &[
    // SAFETY (each entry below): numbers, null, and pointers to what outlives the call; the kernel checks
    // every one of them.
    ("keyctl", Sees::Outside, |_| {
        // KEYCTL_GET_KEYRING_ID of the session's keyring.
        answer(unsafe { syscall(libc::SYS_keyctl, 0, -3, 1) }, "has a keyring")
    }),
    ("add-key", Sees::Outside, |_| {
        let (kind, name) = (c"user", c"omg-probe");
        // Into the keyring of this process, which ends with it.
        let added = unsafe {
            syscall(libc::SYS_add_key, kind.as_ptr(), name.as_ptr(), c"x".as_ptr(), 1_usize, -2)
        };
        answer(added, "has a key")
    }),
    ("request-key", Sees::Outside, |_| {
        let (kind, name) = (c"user", c"omg-probe-none");
        permitted(unsafe {
            syscall(libc::SYS_request_key, kind.as_ptr(), name.as_ptr(), null::<u8>(), 0)
        })
    }),
    ("mount", Sees::AsRoot, |_| {
        in_child("mounted", || unsafe {
            // In a namespace of its own where that is allowed; it does not stay.
            syscall(libc::SYS_unshare, libc::CLONE_NEWNS);
            let kind = c"tmpfs".as_ptr();
            syscall(libc::SYS_mount, kind, c"/build/nowhere".as_ptr(), kind, 0, null::<u8>());
            let refused = *libc::__errno_location() == libc::EPERM;
            if refused { -1 } else { 0 }
        })
    }),
    ("remount", Sees::AsRoot, |_| {
        permitted(unsafe {
            let flags = libc::MS_REMOUNT | libc::MS_BIND;
            syscall(
                libc::SYS_mount,
                null::<u8>(),
                c"/no/such/place".as_ptr(),
                null::<u8>(),
                flags,
                0,
            )
        })
    }),
    ("umount", Sees::AsRoot, |_| {
        permitted(unsafe { syscall(libc::SYS_umount2, c"/no/such/place".as_ptr(), 0) })
    }),
    ("fsopen", Sees::AsRoot, |_| {
        answer(unsafe { syscall(libc::SYS_fsopen, c"tmpfs".as_ptr(), 1) }, "has a file system")
    }),
    ("open-tree", Sees::AsRoot, |_| {
        // OPEN_TREE_CLONE
        answer(
            unsafe { syscall(libc::SYS_open_tree, libc::AT_FDCWD, c"/usr".as_ptr(), 1) },
            "cloned a mount",
        )
    }),
    ("move-mount", Sees::AsRoot, |_| {
        permitted(unsafe { syscall(libc::SYS_move_mount, -1, c"".as_ptr(), -1, c"".as_ptr(), 0) })
    }),
    ("pivot-root", Sees::AsRoot, |_| {
        permitted(unsafe {
            syscall(libc::SYS_pivot_root, c"/no/such/a".as_ptr(), c"/no/such/b".as_ptr())
        })
    }),
    ("chroot", Sees::AsRoot, |_| {
        in_child("has another root", || unsafe { i64::from(libc::chroot(c".".as_ptr())) })
    }),
    ("unshare-user", Sees::Outside, |_| {
        in_child("has a namespace of users", || unsafe {
            syscall(libc::SYS_unshare, libc::CLONE_NEWUSER)
        })
    }),
    ("unshare-net", Sees::AsRoot, |_| {
        in_child("has a network", || unsafe { syscall(libc::SYS_unshare, libc::CLONE_NEWNET) })
    }),
    ("clone-user", Sees::Outside, |_| cloned(libc::SYS_clone)),
    ("clone3-user", Sees::Outside, |_| cloned(libc::SYS_clone3)),
    ("setns", Sees::AsRoot, |_| {
        let namespace =
            std::fs::File::open("/proc/self/ns/uts").map_err(|error| error.to_string())?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&namespace);
        in_child("joined a namespace", || unsafe { syscall(libc::SYS_setns, number, 0) })
    }),
    ("io-uring", Sees::Outside, |_| {
        let mut parameters = [0_u8; 120];
        answer(
            unsafe { syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) },
            "has a ring",
        )
    }),
    ("bpf", Sees::AsRoot, |_| {
        // BPF_MAP_CREATE of an array of one number.
        let mut attributes = [0_u32; 32];
        attributes[..4].copy_from_slice(&[2, 4, 4, 1]);
        answer(unsafe { syscall(libc::SYS_bpf, 0, attributes.as_ptr(), 128) }, "has a map")
    }),
    ("perf", OLD, |_| {
        // A software clock, of this process, without the kernel.
        let mut attributes = [0_u64; 16];
        attributes[0] = 1 | (128 << 32);
        attributes[5] = 1 << 5 | 1 << 6;
        answer(
            unsafe { syscall(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, 0) },
            "has a counter",
        )
    }),
    ("userfaultfd", OLD, |_| {
        // UFFD_USER_MODE_ONLY
        answer(unsafe { syscall(libc::SYS_userfaultfd, 1) }, "handles page faults")
    }),
    ("kexec", OLD, |_| {
        permitted(unsafe { syscall(libc::SYS_kexec_load, 0, 0xffff, null::<u8>(), 0) })
    }),
    ("load-module", OLD, |_| {
        permitted(unsafe { syscall(libc::SYS_init_module, null::<u8>(), 0, c"".as_ptr()) })
    }),
    ("remove-module", OLD, |_| {
        permitted(unsafe { syscall(libc::SYS_delete_module, c"no-such-module".as_ptr(), 0) })
    }),
    ("swap", OLD, |_| {
        permitted(unsafe { syscall(libc::SYS_swapon, c"/no/such/file".as_ptr(), 0) })
    }),
    ("reboot", Sees::AsRoot, |_| {
        permitted(unsafe { syscall(libc::SYS_reboot, 0, 0, 0, null::<u8>()) })
    }),
    ("accounting", OLD, |_| {
        permitted(unsafe { syscall(libc::SYS_acct, c"/no/such/file".as_ptr()) })
    }),
    ("set-host-name", Sees::AsRoot, |_| {
        permitted(unsafe { syscall(libc::SYS_sethostname, null::<u8>(), -1) })
    }),
    ("set-clock", Sees::AsRoot, |_| {
        let time: [c_long; 2] = [0, -1];
        permitted(unsafe { syscall(libc::SYS_clock_settime, libc::CLOCK_REALTIME, time.as_ptr()) })
    }),
    ("kernel-log", OLD, |_| {
        // SYSLOG_ACTION_SIZE_BUFFER
        answer(unsafe { syscall(libc::SYS_syslog, 10, null::<u8>(), 0) }, "reads the log")
    }),
    ("file-handle", Sees::AsRoot, |_| {
        let handle = [0_u32; 34];
        permitted(unsafe { syscall(libc::SYS_open_by_handle_at, -1, handle.as_ptr(), 0) })
    }),
    ("type-into-terminal", Sees::AsRoot, |_| terminal(libc::TIOCSTI)),
    ("console-selection", Sees::Outside, |_| terminal(0x541C)),
    ("line-discipline", Sees::Outside, |_| terminal(libc::TIOCSETD)),
    ("x32", Sees::Perhaps("kernels without it"), |_| {
        answer(unsafe { syscall(0x4000_0000 + libc::SYS_getpid) }, "has a second set of calls")
    }),
];

/// Whoever is not allowed gets `EPERM`; a kernel without the call answers `ENOSYS`.
fn permitted(returned: c_long) -> Found {
    let error = std::io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EPERM | libc::ENOSYS | libc::EACCES) if returned < 0 => Err(error.to_string()),
        _ => Ok(format!("was allowed: {error}")),
    }
}

fn cloned(call: c_long) -> Found {
    const FLAGS: c_long = libc::CLONE_NEWUSER as c_long;
    let arguments: [u64; 8] = [FLAGS as u64, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
    // SAFETY: without CLONE_VM it is a fork; the child does nothing but end.
    let child = unsafe {
        if call == libc::SYS_clone {
            syscall(call, FLAGS | c_long::from(libc::SIGCHLD), 0, 0, 0, 0)
        } else {
            syscall(call, arguments.as_ptr(), size_of_val(&arguments))
        }
    };
    if child == 0 {
        // SAFETY: ends this child.
        unsafe { libc::_exit(0) };
    }
    let found = answer(child, "has a namespace of users");
    if child > 0 {
        // SAFETY: reaps what was just made.
        unsafe { libc::waitpid(child as i32, std::ptr::null_mut(), 0) };
    }
    found
}

/// Asks something of a terminal of its own.
fn terminal(request: libc::c_ulong) -> Found {
    // SAFETY: opens a terminal, and passes a pointer to a number that outlives the call.
    unsafe {
        let terminal = libc::open(c"/dev/ptmx".as_ptr(), libc::O_RDWR | libc::O_NOCTTY);
        if terminal < 0 {
            return Err("no terminal".into());
        }
        let zero = [0_u64; 2];
        let returned = libc::ioctl(terminal, request, zero.as_ptr());
        let found = permitted(c_long::from(returned));
        libc::close(terminal);
        found
    }
}
