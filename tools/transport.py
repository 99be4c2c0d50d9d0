"""Wasserstein distances of features in plain PyTorch: of normal distributions, and along directions."""

import torch

RIDGE = 1e-4  # on the diagonal of covariances
STEPS = 12  # of crowsonkb's iteration
STEPS_OF_STYLE = 18  # of the engine's for the style's root, which it takes once; more diverge in float32


def moments(features):
    """Channel means [C] and covariance plus ridge [C, C] of [C, H, W]."""
    flat = features.flatten(1)
    mean = flat.mean(1)
    centred = flat - mean[:, None]
    return mean, centred @ centred.T / flat.shape[1] + RIDGE * torch.eye(len(mean), dtype=flat.dtype)


def roots(matrix, steps):
    """Root and inverse root of a positive definite matrix by coupled Newton-Schulz steps."""
    norm, identity = matrix.norm(), torch.eye(len(matrix), dtype=matrix.dtype)
    y, z = matrix / norm, identity
    for _ in range(steps):
        t = (3 * identity - z @ y) / 2
        y, z = y @ t, t @ z
    return y * norm.sqrt(), z / norm.sqrt()


def exact_root(matrix):
    """Root of a positive semi-definite matrix by its eigenvectors."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


class ExactTrace(torch.autograd.Function):
    """Sum of the roots of the eigenvalues of a symmetric matrix; its derivative is half the inverse root.

    PyTorch's own derivative of eigenvectors divides by differences of eigenvalues, which may be nothing.
    """

    @staticmethod
    def forward(ctx, matrix):
        values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
        values = values.clamp(min=1e-15 * values[-1])
        ctx.save_for_backward(values, vectors)
        return values.sqrt().sum()

    @staticmethod
    def backward(ctx, slope):
        values, vectors = ctx.saved_tensors
        return slope * (vectors / (2 * values.sqrt())) @ vectors.T


class IterationTrace(torch.autograd.Function):
    """Trace of the root by Newton-Schulz steps, with half the inverse root of the same iteration as its derivative."""

    @staticmethod
    def forward(ctx, matrix, steps):
        root, inverse = roots(matrix, steps)
        ctx.save_for_backward(inverse)
        return root.diagonal().sum()

    @staticmethod
    def backward(ctx, slope):
        (inverse,) = ctx.saved_tensors
        return slope * inverse / 2, None


# How the trace of a root is taken: the root of the style's covariance, and of its product with the picture's.
TRACES = {
    "exact": (exact_root, ExactTrace.apply),
    "steps": (lambda matrix: roots(matrix, STEPS)[0], lambda matrix: roots(matrix, STEPS)[0].diagonal().sum()),
    "inverse": (lambda matrix: roots(matrix, STEPS_OF_STYLE)[0], lambda matrix: IterationTrace.apply(matrix, STEPS)),
}


def gaussian(features, target, how):
    """mean((m - m_s)^2) + mean(diag(S_s + S - 2 (S_s^1/2 S S_s^1/2)^1/2)); `how` is a name in TRACES."""
    (mean, covariance), (target_mean, target_covariance) = moments(features), moments(target)
    root, trace = TRACES[how]
    half = root(target_covariance)
    both = (target_covariance + covariance).diagonal().sum() - 2 * trace(half @ covariance @ half)
    return (mean - target_mean).square().mean() + both / len(mean)


def quantiles(values, count):
    """Quantiles (i + 1/2) / count of the rows of [R, n]: the sorted numbers stand at (j + 1/2) / n, lines between."""
    ordered = values.sort(1).values
    position = (torch.arange(count, dtype=values.dtype) + 0.5) * values.shape[1] / count - 0.5
    position = position.clamp(0, values.shape[1] - 1)
    below = position.floor().long()
    above = (below + 1).clamp(max=values.shape[1] - 1)
    return torch.lerp(ordered[:, below], ordered[:, above], position - below)


def sliced(features, target, directions):
    """Mean squared difference of sorted projections, the target's as quantiles for the features' positions."""
    found, wanted = (directions @ x.flatten(1) for x in (features, target))
    return (found.sort(1).values - quantiles(wanted, found.shape[1])).square().mean()
