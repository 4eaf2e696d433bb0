//! seccomp: system calls that no build needs, and through which kernels were broken.
//!
//! The list forbids rather than allows: a compiler may need a call that no list foresaw, and the walls
//! around do not rest on this one. What is forbidden answers with `EPERM`, as without privileges.

use std::collections::BTreeMap;

use libc::{c_long, c_ulong};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

use crate::Profile;

/// The filter can't be made, or the kernel does not take it.
#[derive(Debug, thiserror::Error)]
#[error("seccomp does not work here: {0}")]
pub struct FilterError(String);

/// Calls that are refused whatever their arguments.
const REFUSED: &[c_long] = &[
    // Keys of other sessions.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Programs in the kernel, and other large ways into it.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Mounts, roots and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_open_by_handle_at,
    // The machine.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_nfsservctl,
];

/// The same, where they exist.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] =
    &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_uselib, libc::SYS__sysctl];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// Requests that type into a terminal, or change what is behind it.
const TERMINAL: [c_ulong; 3] = [libc::TIOCSTI, TIOCLINUX, libc::TIOCSETD];
/// `linux/tty.h`; libc leaves it out.
const TIOCLINUX: c_ulong = 0x541C;

/// Namespaces that `clone` can make. That of time is for `clone3` and `unshare` alone.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Kinds of sockets that a build may have. Others are not held back by the namespace of the network
/// (`AF_VSOCK` reaches the machine that this one runs on), or are rarely used and often broken.
const SOCKETS: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
const SOCKETS_STRICT: [i32; 1] = [libc::AF_UNIX];

/// Puts the filter on this process and all that it starts, for good.
pub(super) fn apply(profile: Profile) -> Result<(), FilterError> {
    // The newest filter is asked first; both hold.
    for program in [without_clone3()?, program(profile)?] {
        seccompiler::apply_filter(&program).map_err(|error| FilterError(error.to_string()))?;
    }
    Ok(())
}

fn program(profile: Profile) -> Result<BpfProgram, FilterError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().chain(REFUSED_HERE).map(|call| (*call, Vec::new())).collect();
    let terminal = TERMINAL.map(|request| rule(&[(1, Len::Dword, Op::Eq, request)]));
    rules.insert(libc::SYS_ioctl, terminal.into_iter().collect::<Result<_, _>>()?);
    let namespaces = NAMESPACES.map(|flag| {
        let flag = flag as u32 as u64;
        rule(&[(0, Len::Dword, Op::MaskedEq(flag), flag)])
    });
    rules.insert(libc::SYS_clone, namespaces.into_iter().collect::<Result<_, _>>()?);
    let families: &[i32] = if profile == Profile::Strict { &SOCKETS_STRICT } else { &SOCKETS };
    let others: Vec<_> =
        families.iter().map(|family| (0, Len::Dword, Op::Ne, *family as u64)).collect();
    rules.insert(libc::SYS_socket, vec![rule(&others)?]);
    let compiled = compile(rules, libc::EPERM)?;
    Ok(without_x32().into_iter().chain(compiled).collect())
}

/// Its flags are behind a pointer, which a filter can't follow. "No such call" makes C libraries use
/// `clone` instead.
fn without_clone3() -> Result<BpfProgram, FilterError> {
    compile(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)
}

fn compile(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> Result<BpfProgram, FilterError> {
    let wrong = |error: seccompiler::BackendError| FilterError(error.to_string());
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(wrong)?;
    // Code of another architecture, whose calls have other numbers, ends the process.
    let refused = SeccompAction::Errno(errno as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch).map_err(wrong)?;
    filter.try_into().map_err(wrong)
}

fn rule(conditions: &[(u8, Len, Op, u64)]) -> Result<SeccompRule, FilterError> {
    let conditions = conditions.iter().map(|(argument, len, op, value)| {
        SeccompCondition::new(*argument, len.clone(), op.clone(), *value)
    });
    conditions
        .collect::<Result<Vec<_>, _>>()
        .and_then(SeccompRule::new)
        .map_err(|error| FilterError(error.to_string()))
}

/// On x86-64 the same calls exist a second time, for x32, under numbers from 2³⁰ on. Three instructions
/// in front of the filter refuse them all.
fn without_x32() -> Vec<sock_filter> {
    if !cfg!(target_arch = "x86_64") {
        return Vec::new();
    }
    let instruction = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    vec![
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, 0x4000_0000),
        instruction(
            libc::BPF_RET | libc::BPF_K,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
        ),
    ]
}
