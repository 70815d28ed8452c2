"""Coverage: how often intervals hold the exact value, and how often verdicts on decays are wrong."""

import qvar
from qvar.studies.coverage import Coverage


def case(experiments: int = 600, samples: int = 1000, seed: int = 0, quick: bool = False) -> Coverage:
    """Counts how often the 95 % intervals of every kind hold the exact value, and how often verdicts are wrong.

    Args:
        experiments: Number of experiments of each kind.
        samples: Number of samples of each experiment on means and variances.
        seed: Number that all samples are drawn with.
        quick: At most 100 experiments of each kind.
    """
    return Coverage(min(experiments, 100) if quick else experiments, samples, seed)


if __name__ == "__main__":
    qvar.launch(case)
