//! Buffers for vectors, and pointers that threads share.

use std::alloc::{Layout, alloc, dealloc};
use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::KernelError;

/// From this size on a buffer starts at a huge page and asks the system for such.
const HUGE: usize = 2 << 20;

/// Zeroed memory of plain numbers, aligned to a cache line, never resized.
///
/// Large buffers ask for huge pages: a step reads and writes hundreds of megabytes, and with pages of
/// 4 KiB a good part of its time would go to address translation.
#[derive(Debug)]
pub(crate) struct Buffer<T: Plain> {
    start: NonNull<T>,
    len: usize,
}

/// Numbers for which all-zero bytes are a value, and that need no drop.
pub(crate) trait Plain: Copy + Default + Send + Sync {}
impl Plain for f32 {}
impl Plain for u8 {}

// SAFETY: a buffer owns its memory, like a `Vec`.
unsafe impl<T: Plain> Send for Buffer<T> {}
// SAFETY: shared access only reads.
unsafe impl<T: Plain> Sync for Buffer<T> {}

impl<T: Plain> Buffer<T> {
    /// Zeros.
    pub(crate) fn new(len: usize) -> Result<Self, KernelError> {
        if len == 0 {
            return Ok(Self { start: NonNull::dangling(), len });
        }
        let out_of_memory = || KernelError::OutOfMemory { bytes: len.saturating_mul(size_of::<T>()) };
        let layout = Self::layout(len).ok_or_else(out_of_memory)?;
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc(layout) };
        let start = NonNull::new(memory.cast::<T>()).ok_or_else(out_of_memory)?;
        #[cfg(target_os = "linux")]
        if layout.size() >= HUGE {
            // SAFETY: the range is ours; the call gives advice only, and its failure changes nothing.
            unsafe { libc::madvise(memory.cast(), layout.size(), libc::MADV_HUGEPAGE) };
        }
        // SAFETY: `layout` spans `len` values of `T`, for which zero bytes are valid.
        unsafe { start.write_bytes(0, len) };
        Ok(Self { start, len })
    }

    fn layout(len: usize) -> Option<Layout> {
        let size = len.checked_mul(size_of::<T>())?;
        Layout::from_size_align(size, if size >= HUGE { HUGE } else { 64 }).ok()
    }

    /// Size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }

    /// A pointer for reading.
    pub(crate) fn ptr(&self) -> *const T {
        self.start.as_ptr()
    }

    /// A pointer for writing.
    pub(crate) fn mut_ptr(&mut self) -> *mut T {
        self.start.as_ptr()
    }
}

impl<T: Plain> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(layout) = Self::layout(self.len).filter(|layout| layout.size() > 0) {
            // SAFETY: `start` came from `alloc` with the same layout.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

impl<T: Plain> std::ops::Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: `start` points to `len` initialised values.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> std::ops::DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: `start` points to `len` initialised values, borrowed mutably through `self`.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

/// A mutable slice whose parts are written by several threads at once, each part by one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` that was split; whoever writes through it promises not to overlap.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), borrow: PhantomData }
    }

    /// A pointer to the element at `offset`; at least `count` elements follow.
    pub(crate) fn at(self, offset: usize, count: usize) -> *mut T {
        assert!(offset.checked_add(count).is_some_and(|end| end <= self.len), "part outside its buffer");
        // SAFETY: the assertion keeps it inside the slice.
        unsafe { self.start.add(offset) }
    }

    /// The elements from `offset` on as a slice.
    ///
    /// # Safety
    /// Nobody else touches them as long as the slice lives.
    pub(crate) unsafe fn slice(self, offset: usize, count: usize) -> &'a mut [T] {
        // SAFETY: `at` checks the range; the caller keeps others away.
        unsafe { std::slice::from_raw_parts_mut(self.at(offset, count), count) }
    }
}
