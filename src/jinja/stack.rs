//! The stack of what walks trees: templates may be as deep as they like.

/// How many bytes of stack must be left before a walk goes deeper, and how many it then gets.
const RED_ZONE: usize = 128 * 1024;
const STACK: usize = 1024 * 1024;

/// Goes one level deeper, on a new piece of stack when the present one ends.
pub(super) fn deeper<R>(walk: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE, STACK, walk)
}
