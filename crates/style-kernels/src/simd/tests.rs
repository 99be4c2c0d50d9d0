//! Every instruction set against plain Rust, bit for bit where nothing is rounded.

use super::{GROUP, Kernel, Level, Simd};
use crate::Isa;

/// Operations of [`Simd`] that are compared, some of them twice.
const OPERATIONS: usize = 17;

/// What [`Simd`] makes of one group of 16 lanes.
#[derive(Debug, Default, PartialEq)]
struct Results {
    /// Bits of the floats. Payloads of NaN and signs of zero, which nobody looks at, are taken off.
    floats: Vec<[u32; GROUP]>,
    routings: Vec<[u8; GROUP]>,
}

/// Applies every operation to four groups of lanes.
struct Everything<'a> {
    inputs: [[f32; GROUP]; 4],
    /// Routing bytes to read, one more than lanes so that they are not aligned.
    routing: &'a [u8; GROUP + 1],
    results: &'a mut Results,
}

impl Kernel for Everything<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        let mut out = vec![[0.0_f32; GROUP]; OPERATIONS];
        let mut routed = vec![[0_u8; GROUP]; 2];
        for lane in (0..GROUP).step_by(S::LANES) {
            // SAFETY: `lane` and the lanes after it are inside all arrays; every array of `out` is a cache
            // line, but not aligned to one, so nothing is streamed.
            unsafe {
                let v = self.inputs.map(|input| s.load(input.as_ptr().add(lane)));
                let [a, b, c, d] = v;
                let values = [
                    s.splat(self.inputs[0][3]),
                    s.add(a, b),
                    s.sub(a, b),
                    s.mul(a, b),
                    s.mul_add(a, b, c),
                    s.neg_mul_add(a, b, c),
                    s.div(a, b),
                    s.sqrt(a),
                    s.relu(a),
                    s.passing(a, b),
                    s.passing(c, d),
                    s.pool_max(v, routed[0].as_mut_ptr().add(lane)),
                    s.pool_average(v, routed[1].as_mut_ptr().add(lane)),
                    s.routed(a, self.routing.as_ptr().add(1 + lane), 1),
                    s.routed(b, self.routing.as_ptr().add(1 + lane), 4),
                    s.routed(c, self.routing.as_ptr().add(1 + lane), 8),
                    s.routed(d, self.routing.as_ptr().add(1 + lane), 6),
                ];
                for (out, value) in out.iter_mut().zip(values) {
                    s.store(out.as_mut_ptr().add(lane), value);
                }
                s.prefetch(std::ptr::null());
            }
        }
        let bits = |v: f32| if v.is_nan() { f32::NAN.to_bits() } else { (v + 0.0).to_bits() };
        self.results.floats.extend(out.into_iter().map(|group| group.map(bits)));
        self.results.routings.extend(routed);
    }
}

fn results(isa: Isa) -> Option<Results> {
    let level = Level::detect(isa).ok()?;
    let mut results = Results::default();
    // Products of these are exact or vanish, so that sums with them come out the same with one rounding or two.
    let tiny = f32::MIN_POSITIVE;
    let values = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, tiny, -tiny];
    let mut state = 1_usize;
    for round in 0..500 {
        let mut next = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        // Fewer kinds of values give more ties.
        let kinds = if round % 2 == 0 { values.len() } else { 5 };
        let inputs = std::array::from_fn(|_| std::array::from_fn(|_| values[next(kinds)]));
        let routing = std::array::from_fn(|_| next(16) as u8);
        let kernel = Everything { inputs, routing: &routing, results: &mut results };
        // SAFETY: the kernel's pointers go to arrays of its own.
        unsafe { level.run(kernel) }
    }
    Some(results)
}

#[test]
fn every_instruction_set_computes_what_plain_rust_computes() {
    let expected = results(Isa::Portable).unwrap_or_default();
    assert_eq!(expected.floats.len(), 500 * OPERATIONS);
    for isa in [Isa::Avx512, Isa::Avx2, Isa::Neon] {
        let Some(found) = results(isa) else {
            println!("{isa} is not here");
            continue;
        };
        for (i, (found, expected)) in found.floats.iter().zip(&expected.floats).enumerate() {
            assert_eq!(found, expected, "{isa}: operation {} of round {}", i % OPERATIONS, i / OPERATIONS);
        }
        assert_eq!(found.routings, expected.routings, "{isa}: routing");
    }
}

#[test]
fn the_best_instruction_set_of_this_machine_is_the_one_that_is_taken() {
    if std::env::var_os("STYLE_KERNELS_ISA").is_some() {
        return; // somebody wants less than the best
    }
    let there = |isa: &Isa| Level::detect(*isa).is_ok();
    let best = [Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Portable].into_iter().find(there);
    assert_eq!(Level::detect(Isa::Auto).map(Level::isa).ok(), best);
}
