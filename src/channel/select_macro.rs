//! `select!` and `select_biased!`, over [`Select`](super::Select).
//!
//! The syntax is crossbeam's. First the list is split into cases (`@list`), then each operation is added to a `Select` (`@add`), and the body of
//! the chosen one runs once all that was borrowed for the choice is gone (`@complete`).

/// Chooses one of several channel operations that is ready: crossbeam's `select!`, tracked.
///
/// An operation is ready if it doesn't have to wait, which includes that it fails because the channel is disconnected. Of several that are
/// ready one is chosen at random. Only the operation that is chosen orders anything; the message of a `send` is made only if it is chosen.
/// With `default` nothing waits; with `default(timeout)` not longer than that.
///
/// # Example
///
/// ```
/// use racecheck::channel::{after, select, unbounded};
/// use std::time::Duration;
///
/// let (jobs, todo) = unbounded();
/// let (results, done) = unbounded();
/// jobs.send(10).unwrap();
/// select! {
///     recv(todo) -> job => results.send(job.unwrap() + 1).unwrap(),
///     recv(after(Duration::from_secs(60))) -> _ => panic!("no job"),
/// }
/// let result = select! {
///     recv(todo) -> _ => None,
///     recv(done) -> result => result.ok(),
///     default => None,
/// };
/// assert_eq!(result, Some(11));
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __channel_select {
    ($($cases:tt)*) => {
        $crate::__channel_select_internal!(@start new () () $($cases)*)
    };
}

/// Like [`select!`](crate::channel::select!), but of several operations that are ready the first one is chosen.
///
/// # Example
///
/// ```
/// use racecheck::channel::{select_biased, unbounded};
///
/// let (stop, stopped) = unbounded::<()>();
/// let (jobs, todo) = unbounded();
/// jobs.send(1).unwrap();
/// drop(stop);
/// let job = select_biased! {
///     recv(stopped) -> _ => None,
///     recv(todo) -> job => job.ok(),
/// };
/// assert_eq!(job, None);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __channel_select_biased {
    ($($cases:tt)*) => {
        $crate::__channel_select_internal!(@start new_biased () () $($cases)*)
    };
}

/// What the two are made of. Not for anybody else.
#[doc(hidden)]
#[macro_export]
macro_rules! __channel_select_internal {
    (@start $new:ident () ()) => {
        ::core::compile_error!("empty `select!` block")
    };
    (@start $new:ident () () $($cases:tt)+) => {
        $crate::__channel_select_internal!(@list $new () () $($cases)+)
    };

    // One case a step; a body that is a block needs no comma.
    (@list $new:ident $operations:tt $default:tt) => {{
        #[allow(unused_mut)]
        let mut _select = $crate::channel::Select::$new();
        $crate::__channel_select_internal!(@add _select $operations () $default)
    }};
    (@list $new:ident $operations:tt () default => $($rest:tt)+) => {
        $crate::__channel_select_internal!(@list $new $operations () default() => $($rest)+)
    };
    (@list $new:ident $operations:tt $default:tt $case:ident $arguments:tt $(-> $result:pat)? => { $($body:tt)* }, $($rest:tt)*) => {
        $crate::__channel_select_internal!(
            @case $new $operations $default ($case $arguments $(-> $result)? => { $($body)* }) $($rest)*
        )
    };
    (@list $new:ident $operations:tt $default:tt $case:ident $arguments:tt $(-> $result:pat)? => $body:expr, $($rest:tt)*) => {
        $crate::__channel_select_internal!(
            @case $new $operations $default ($case $arguments $(-> $result)? => { $body }) $($rest)*
        )
    };
    (@list $new:ident $operations:tt $default:tt $case:ident $arguments:tt $(-> $result:pat)? => { $($body:tt)* } $($rest:tt)*) => {
        $crate::__channel_select_internal!(
            @case $new $operations $default ($case $arguments $(-> $result)? => { $($body)* }) $($rest)*
        )
    };
    (@list $new:ident $operations:tt $default:tt $case:ident $arguments:tt $(-> $result:pat)? => $body:expr) => {
        $crate::__channel_select_internal!(
            @case $new $operations $default ($case $arguments $(-> $result)? => { $body })
        )
    };
    (@list $new:ident $operations:tt (default $($default:tt)+) default $($rest:tt)*) => {
        ::core::compile_error!("there can be only one `default` case in a `select!` block")
    };
    (@list $new:ident $operations:tt $default:tt $($rest:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "expected `recv(receiver) -> result => body`, `send(sender, message) -> result => body`, `default => body` or ",
            "`default(timeout) => body`, with commas between them, found `",
            ::core::stringify!($($rest)+),
            "`",
        ))
    };

    (@case $new:ident ($($operations:tt)*) $default:tt (recv($receiver:expr $(,)?) -> $result:pat => $body:tt) $($rest:tt)*) => {
        $crate::__channel_select_internal!(
            @list $new ($($operations)* (recv ($receiver) ($result) $body)) $default $($rest)*
        )
    };
    (@case $new:ident ($($operations:tt)*) $default:tt (send($sender:expr, $message:expr $(,)?) -> $result:pat => $body:tt) $($rest:tt)*) => {
        $crate::__channel_select_internal!(
            @list $new ($($operations)* (send ($sender, $message) ($result) $body)) $default $($rest)*
        )
    };
    (@case $new:ident $operations:tt () (default($($timeout:expr $(,)?)?) => $body:tt) $($rest:tt)*) => {
        $crate::__channel_select_internal!(
            @list $new $operations (default ($($timeout)?) $body) $($rest)*
        )
    };
    (@case $new:ident $operations:tt (default $($default:tt)+) (default $($case:tt)*) $($rest:tt)*) => {
        ::core::compile_error!("there can be only one `default` case in a `select!` block")
    };
    (@case $new:ident $operations:tt $default:tt ($($case:tt)*) $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `recv(receiver) -> result`, `send(sender, message) -> result`, `default` or `default(timeout)` before `=>`, found `",
            ::core::stringify!($($case)*),
            "`",
        ))
    };

    // Each step has a name of its own for what it borrows and for its index.
    (@add $select:ident ((recv ($receiver:expr) $result:tt $body:tt) $($rest:tt)*) ($($added:tt)*) $default:tt) => {
        match $receiver {
            ref _receiver => {
                let _receiver: &$crate::channel::Receiver<_> = _receiver;
                let _index = $select.recv(_receiver);
                $crate::__channel_select_internal!(
                    @add $select ($($rest)*) ($($added)* (_index (recv(_receiver)) $result $body)) $default
                )
            }
        }
    };
    (@add $select:ident ((send ($sender:expr, $message:expr) $result:tt $body:tt) $($rest:tt)*) ($($added:tt)*) $default:tt) => {
        match $sender {
            ref _sender => {
                let _sender: &$crate::channel::Sender<_> = _sender;
                let _index = $select.send(_sender);
                $crate::__channel_select_internal!(
                    @add $select ($($rest)*) ($($added)* (_index (send(_sender, $message)) $result $body)) $default
                )
            }
        }
    };
    (@add $select:ident () $added:tt ()) => {{
        let _chosen = $select.select();
        $crate::__channel_select_internal!(@complete $select _chosen $added)
    }};
    (@add $select:ident () $added:tt (default () $body:tt)) => {
        match $select.try_select() {
            ::core::result::Result::Ok(_chosen) => {
                $crate::__channel_select_internal!(@complete $select _chosen $added)
            }
            ::core::result::Result::Err(_) => {
                ::core::mem::drop($select);
                $body
            }
        }
    };
    (@add $select:ident () $added:tt (default ($timeout:expr) $body:tt)) => {
        match $select.select_timeout($timeout) {
            ::core::result::Result::Ok(_chosen) => {
                $crate::__channel_select_internal!(@complete $select _chosen $added)
            }
            ::core::result::Result::Err(_) => {
                ::core::mem::drop($select);
                $body
            }
        }
    };

    (@complete $select:ident $chosen:ident (($index:ident ($($operation:tt)*) ($result:pat) $body:tt) $($rest:tt)*)) => {
        if $chosen.index() == $index {
            let _result = $chosen.$($operation)*;
            ::core::mem::drop($select);
            let $result = _result;
            $body
        } else {
            $crate::__channel_select_internal!(@complete $select $chosen ($($rest)*))
        }
    };
    (@complete $select:ident $chosen:ident ()) => {
        ::core::unreachable!("an operation that was never added")
    };
}
