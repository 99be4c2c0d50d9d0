//! Between the caller's planes `[channels][positions]` and groups `[channels / 16][positions][16]`.

use crate::memory::Shared;
use crate::parallel;
use crate::simd::GROUP;

/// Positions that are moved together, so that both sides stay in the first-level cache.
const RUN: usize = 64;

/// Calls `move_run(channel, group, lane, positions)` for all channels, run by run.
fn for_each_run(
    threads: usize,
    channels: usize,
    positions: usize,
    move_run: impl Fn(usize, usize, usize, std::ops::Range<usize>) + Sync,
) {
    parallel::for_each(threads, channels.div_ceil(GROUP), |_, group| {
        for start in (0..positions).step_by(RUN) {
            for channel in group * GROUP..channels.min((group + 1) * GROUP) {
                move_run(channel, group, channel % GROUP, start..positions.min(start + RUN));
            }
        }
    });
}

/// Planes to groups; channels that only pad a group are left as they are.
pub(crate) fn group(threads: usize, planes: &[f32], channels: usize, groups: &mut [f32]) {
    into_groups(threads, planes, channels, groups, |to, value| *to = value);
}

/// Adds planes to groups.
pub(crate) fn add(threads: usize, planes: &[f32], channels: usize, groups: &mut [f32]) {
    into_groups(threads, planes, channels, groups, |to, value| *to += value);
}

/// Zeroes the groups where planes of a ReLU's output pass no gradient (NaN passes).
pub(crate) fn mask(threads: usize, planes: &[f32], channels: usize, groups: &mut [f32]) {
    into_groups(threads, planes, channels, groups, |to, value| *to = if value <= 0.0 { 0.0 } else { *to });
}

/// Meets every value of some planes with its place in the groups.
fn into_groups(
    threads: usize,
    planes: &[f32],
    channels: usize,
    groups: &mut [f32],
    put: impl Fn(&mut f32, f32) + Sync,
) {
    let positions = planes.len() / channels;
    let target = Shared::new(groups);
    for_each_run(threads, channels, positions, |channel, group, lane, run| {
        let from = &planes[channel * positions..][run.clone()];
        // SAFETY: a task has its own group.
        let to = unsafe { target.slice((group * positions + run.start) * GROUP, run.len() * GROUP) };
        for (to, &value) in to.chunks_exact_mut(GROUP).zip(from) {
            put(&mut to[lane], value);
        }
    });
}

/// Groups to planes.
pub(crate) fn ungroup(threads: usize, groups: &[f32], channels: usize, planes: &mut [f32]) {
    let positions = planes.len() / channels;
    let target = Shared::new(planes);
    for_each_run(threads, channels, positions, |channel, group, lane, run| {
        let from = &groups[(group * positions + run.start) * GROUP..][..run.len() * GROUP];
        // SAFETY: a task has its own channels.
        let to = unsafe { target.slice(channel * positions + run.start, run.len()) };
        for (to, from) in to.iter_mut().zip(from.chunks_exact(GROUP)) {
            *to = from[lane];
        }
    });
}
