"""Prints how far rounding alone moves the golden gradients and curves: what a parity test can ask for.

    python tools/sensitivity.py

Float32 is compared with float64, and with a start that is off by a relative 1e-6.
"""

import torch

from make_golden import arguments, curve, difference, inputs
from reference import objectives, value_and_gradient


def compare_gradients(name, found, exact):
    """One line on float32 against float64."""
    found, exact = found.flatten().double(), exact.flatten()
    cosine = 1 - (found @ exact / (found.norm() * exact.norm())).item()
    best = (found - exact).abs().argsort()[: int(0.99 * len(exact))]
    print(f"gradient {name}: norm {exact.norm():.3e}, cosine distance {cosine:.1e}, relative L2 "
          f"{difference(found, exact):.1e}, without the worst 1 % {difference(found[best], exact[best]):.1e}")


def compare_curves(name, found, other):
    """One line with the relative difference of the loss at every step."""
    steps = min(len(found), len(other))
    relative = ((found[:steps] - other[:steps]) / other[:steps]).abs().tolist()
    print(f"{name}: largest {max(relative):.1e} in {steps} values; " + " ".join(f"{r:.0e}" for r in relative))


def main():
    """Command line."""
    path, content, style, image = inputs(arguments(__doc__).parse_args())
    single, double = (objectives(path, content, style, dtype) for dtype in (torch.float32, torch.float64))
    perturbed = image * (1 + 1e-6 * torch.randn(image.shape, generator=torch.Generator().manual_seed(1)))
    for name in single:
        exact = value_and_gradient(double[name], image.double())[1]
        compare_gradients(name, value_and_gradient(single[name], image)[1], exact)
        for optimiser in ("adam", "lbfgs"):
            base = curve(single[name], image, optimiser)
            compare_curves(f"{optimiser}.{name} float64", base, curve(double[name], image.double(), optimiser))
            compare_curves(f"{optimiser}.{name} perturbed", base, curve(single[name], perturbed, optimiser))


if __name__ == "__main__":
    main()
