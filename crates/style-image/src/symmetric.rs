//! 3 x 3 matrices for covariances of colours, in double precision.

/// Rows of columns.
pub(crate) type Matrix = [[f64; 3]; 3];

const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Sweeps of Jacobi's method at most. Convergence is quadratic: a 3 x 3 matrix takes 4 or 5.
const SWEEPS: usize = 16;

fn from_fn(element: impl Fn(usize, usize) -> f64) -> Matrix {
    std::array::from_fn(|row| std::array::from_fn(|column| element(row, column)))
}

/// A B.
pub(crate) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    from_fn(|row, column| (0..3).map(|k| a[row][k] * b[k][column]).sum())
}

/// A^T.
pub(crate) fn transposed(a: &Matrix) -> Matrix {
    from_fn(|row, column| a[column][row])
}

/// V f(D) V^T of a symmetric matrix V D V^T: its function by way of its eigenvalues.
pub(crate) fn of_eigenvalues(symmetric: &Matrix, f: impl Fn(f64) -> f64) -> Matrix {
    let (values, vectors) = eigen(symmetric);
    let values = values.map(f);
    from_fn(|row, column| (0..3).map(|k| vectors[row][k] * values[k] * vectors[column][k]).sum())
}

/// The eigenvalues of a symmetric matrix in any order, and their vectors as columns: rotations turn one pair of axes
/// after the other until nothing is left beside the diagonal (Jacobi 1846; Golub and Van Loan, "Matrix Computations",
/// section 8.5).
fn eigen(symmetric: &Matrix) -> ([f64; 3], Matrix) {
    let (mut a, mut vectors) = (*symmetric, IDENTITY);
    for _ in 0..SWEEPS {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] == 0.0 {
                continue;
            }
            // The smaller of the two angles that make a[p][q] zero; an infinite quotient makes it no turn at all.
            let quotient = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let tangent = quotient.signum() / (quotient.abs() + quotient.hypot(1.0));
            let cosine = tangent.hypot(1.0).recip();
            let mut turn = IDENTITY;
            (turn[p][p], turn[p][q]) = (cosine, tangent * cosine);
            (turn[q][p], turn[q][q]) = (-tangent * cosine, cosine);
            a = product(&transposed(&turn), &product(&a, &turn));
            vectors = product(&vectors, &turn);
        }
    }
    ([a[0][0], a[1][1], a[2][2]], vectors)
}

/// The lower triangle L with L L^T = A, of a positive definite matrix.
pub(crate) fn cholesky(a: &Matrix) -> Matrix {
    let mut l = [[0.0; 3]; 3];
    for row in 0..3 {
        for column in 0..=row {
            let rest = a[row][column] - (0..column).map(|k| l[row][k] * l[column][k]).sum::<f64>();
            l[row][column] = if row == column { rest.sqrt() } else { rest / l[column][column] };
        }
    }
    l
}

/// L^-1 of a lower triangle without zeros on its diagonal.
pub(crate) fn inverse_of_lower(l: &Matrix) -> Matrix {
    let mut inverse = [[0.0; 3]; 3];
    for column in 0..3 {
        for row in column..3 {
            let known: f64 = (column..row).map(|k| l[row][k] * inverse[k][column]).sum();
            inverse[row][column] = (IDENTITY[row][column] - known) / l[row][row];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(a: &Matrix, b: &Matrix, tolerance: f64) -> bool {
        a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| (a - b).abs() <= tolerance)
    }

    #[test]
    fn eigenvalues_of_a_known_matrix_are_found() {
        // Eigenvalues 1, 2 and 4.
        let (mut values, _) = eigen(&[[2.0, 1.0, 1.0], [1.0, 2.5, 0.5], [1.0, 0.5, 2.5]]);
        values.sort_by(f64::total_cmp);
        assert!(values.iter().zip([1.0, 2.0, 4.0]).all(|(a, b)| (a - b).abs() < 1e-14), "{values:?}");
    }

    #[test]
    fn the_square_root_of_a_diagonal_is_taken_one_by_one() {
        let root = of_eigenvalues(&[[4.0, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 0.0]], f64::sqrt);
        assert_eq!(root, [[2.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]]);
    }

    #[test]
    fn equal_diagonals_and_tiny_corners_do_no_harm() {
        for corner in [1.0, 1e-8, 1e-200, f64::MIN_POSITIVE / 4.0] {
            let (values, vectors) =
                eigen(&[[1.0, corner, corner], [corner, 1.0, corner], [corner, corner, 1.0]]);
            assert!(values.iter().chain(vectors.iter().flatten()).all(|value| value.is_finite()));
        }
    }

    proptest! {
        #[test]
        fn factors_multiply_to_their_matrix(parts in prop::array::uniform9(-1.0f64..1.0)) {
            let factor = from_fn(|row, column| parts[3 * row + column]);
            let mut definite = product(&factor, &transposed(&factor));
            (0..3).for_each(|k| definite[k][k] += 0.01);
            prop_assert!(near(&of_eigenvalues(&definite, |value| value), &definite, 1e-13));
            let root = of_eigenvalues(&definite, f64::sqrt);
            prop_assert!(near(&product(&root, &root), &definite, 1e-13));
            let lower = cholesky(&definite);
            prop_assert!(near(&product(&lower, &transposed(&lower)), &definite, 1e-13));
            prop_assert!(near(&product(&lower, &inverse_of_lower(&lower)), &IDENTITY, 1e-10));
        }
    }
}
