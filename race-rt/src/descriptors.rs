//! File descriptors: what is written happens before what is read.
//!
//! Neither C nor Rust says so, but programs have no other way to speak by a pipe, and they mean it. Whatever goes through one pipe is taken to be one
//! place, which all writes add to. So are all sockets, and all of the kernel's own objects (`eventfd`, `epoll`), which can't be told apart when a
//! descriptor has been duplicated; that may hide a race, and never invents one. Files and terminals order nothing.

use std::ffi::{c_int, c_void};
use std::mem;

use race_core::Position;
use race_core::sync::{SyncKind, keyed};

use crate::interpose::interpose;

static DESCRIPTOR: SyncKind = SyncKind {
    name: "file descriptor",
    release: "wrote to a file descriptor",
    acquire: "read from one",
};

/// Keys that are no addresses of the program's: those of pipes have an inode number's low bits.
const SOCKETS: usize = 1 << 63;
const KERNEL_OBJECTS: usize = 1 << 63 | 1;
const PIPES: usize = 1 << 62;

/// What stands for whatever is behind a descriptor. None if that orders nothing.
fn key(descriptor: c_int) -> Option<usize> {
    // SAFETY: a status is plain data, and all zeros is one.
    let mut status: libc::stat = unsafe { mem::zeroed() };
    // SAFETY: valid for a write.
    if unsafe { libc::fstat(descriptor, &mut status) } != 0 {
        return None;
    }
    match status.st_mode & libc::S_IFMT {
        libc::S_IFIFO => Some(PIPES | (status.st_ino as usize & (PIPES - 1))),
        libc::S_IFSOCK => Some(SOCKETS),
        0 => Some(KERNEL_OBJECTS),
        _ => None,
    }
}

fn release(descriptor: c_int, site: Position) {
    if let Some(key) = key(descriptor) {
        keyed::release(key, &DESCRIPTOR, site);
    }
}

/// `result` is the real function's. Nothing is called after a failure: there `errno` counts.
fn acquire<T: PartialOrd + Default>(descriptor: c_int, site: Position, result: T) -> T {
    if result >= T::default()
        && let Some(key) = key(descriptor)
    {
        keyed::acquire(key, &DESCRIPTOR, site);
    }
    result
}

/// Runs the real function after a release.
macro_rules! releasing {
    ($real:ident, $site:expr, $descriptor:ident $(, $argument:ident)*) => {{
        release($descriptor, $site);
        real::$real($descriptor $(, $argument)*)
    }};
}

/// Runs the real function, and acquires then.
macro_rules! acquiring {
    ($real:ident, $site:expr, $descriptor:ident $(, $argument:ident)*) => {
        acquire($descriptor, $site, real::$real($descriptor $(, $argument)*))
    };
}

type Addresses = *mut libc::sockaddr;
type Length = *mut libc::socklen_t;

/// With six arguments there is no register left for the caller, so these are said to be called from nowhere.
const NOWHERE: Position = Position::of_code(0);

interpose! {
    write(fd: c_int, data: *const c_void, size: usize) -> isize, or -1, from caller =>
        releasing!(write, Position::of_code(caller), fd, data, size);
    writev(fd: c_int, parts: *const libc::iovec, count: c_int) -> isize, or -1, from caller =>
        releasing!(writev, Position::of_code(caller), fd, parts, count);
    send(fd: c_int, data: *const c_void, size: usize, flags: c_int) -> isize, or -1, from caller =>
        releasing!(send, Position::of_code(caller), fd, data, size, flags);
    sendmsg(fd: c_int, message: *const libc::msghdr, flags: c_int) -> isize, or -1, from caller =>
        releasing!(sendmsg, Position::of_code(caller), fd, message, flags);
    eventfd_write(fd: c_int, value: libc::eventfd_t) -> c_int, or -1, from caller =>
        releasing!(eventfd_write, Position::of_code(caller), fd, value);
    connect(fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> c_int, or -1, from caller =>
        releasing!(connect, Position::of_code(caller), fd, address, length);
    shutdown(fd: c_int, how: c_int) -> c_int, or -1, from caller =>
        releasing!(shutdown, Position::of_code(caller), fd, how);
    close(fd: c_int) -> c_int, or -1, from caller =>
        releasing!(close, Position::of_code(caller), fd);
    epoll_ctl(fd: c_int, operation: c_int, on: c_int, event: *mut libc::epoll_event) -> c_int, or -1, from caller =>
        releasing!(epoll_ctl, Position::of_code(caller), fd, operation, on, event);

    read(fd: c_int, data: *mut c_void, size: usize) -> isize, or -1, from caller =>
        acquiring!(read, Position::of_code(caller), fd, data, size);
    readv(fd: c_int, parts: *const libc::iovec, count: c_int) -> isize, or -1, from caller =>
        acquiring!(readv, Position::of_code(caller), fd, parts, count);
    recv(fd: c_int, data: *mut c_void, size: usize, flags: c_int) -> isize, or -1, from caller =>
        acquiring!(recv, Position::of_code(caller), fd, data, size, flags);
    recvmsg(fd: c_int, message: *mut libc::msghdr, flags: c_int) -> isize, or -1, from caller =>
        acquiring!(recvmsg, Position::of_code(caller), fd, message, flags);
    eventfd_read(fd: c_int, value: *mut libc::eventfd_t) -> c_int, or -1, from caller =>
        acquiring!(eventfd_read, Position::of_code(caller), fd, value);
    accept(fd: c_int, address: Addresses, length: Length) -> c_int, or -1, from caller =>
        acquiring!(accept, Position::of_code(caller), fd, address, length);
    accept4(fd: c_int, address: Addresses, length: Length, flags: c_int) -> c_int, or -1, from caller =>
        acquiring!(accept4, Position::of_code(caller), fd, address, length, flags);
    epoll_wait(fd: c_int, events: *mut libc::epoll_event, count: c_int, timeout: c_int) -> c_int, or -1, from caller =>
        acquiring!(epoll_wait, Position::of_code(caller), fd, events, count, timeout);
    epoll_pwait(fd: c_int, events: *mut libc::epoll_event, count: c_int, timeout: c_int, mask: *const libc::sigset_t) -> c_int, or -1, from caller =>
        acquiring!(epoll_pwait, Position::of_code(caller), fd, events, count, timeout, mask);

    sendto(fd: c_int, data: *const c_void, size: usize, flags: c_int, to: *const libc::sockaddr, length: libc::socklen_t) -> isize, or -1 =>
        releasing!(sendto, NOWHERE, fd, data, size, flags, to, length);
    recvfrom(fd: c_int, data: *mut c_void, size: usize, flags: c_int, from: Addresses, length: Length) -> isize, or -1 =>
        acquiring!(recvfrom, NOWHERE, fd, data, size, flags, from, length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn both_ends_of_a_pipe_are_one_place_and_files_are_none() {
        let key = |end: &dyn AsRawFd| super::key(end.as_raw_fd());
        let (reader, writer) = std::io::pipe().unwrap();
        let (other, _) = std::io::pipe().unwrap();
        assert!(key(&reader).is_some() && key(&reader) == key(&writer));
        assert_ne!(key(&reader), key(&other));
        let (one, two) = UnixStream::pair().unwrap();
        assert_eq!((key(&one), key(&two)), (Some(SOCKETS), Some(SOCKETS)));
        assert_eq!(key(&File::open("/dev/null").unwrap()), None);
        assert_eq!(key(&File::open("Cargo.toml").unwrap()), None);
        assert_eq!(super::key(-1), None);
    }
}
