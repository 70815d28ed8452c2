"""Coverage: how often intervals hold the exact value, and how often verdicts on decays are wrong."""

import qvar


def case(experiments: int | None = None, samples: int = 1000, seed: int = 0, quick: bool = False) -> qvar.Coverage:
    """Counts how often the 95 % intervals of every kind hold the exact value, and how often verdicts are wrong.

    Args:
        experiments: Number of experiments of each kind; 600 if not given, 100 with quick.
        samples: Number of samples of each experiment on means and variances.
        seed: Number that all samples are drawn with.
        quick: Fewer experiments, unless their number is given.
    """
    usual = 100 if quick else 600
    return qvar.Coverage(experiments=usual if experiments is None else experiments, samples=samples, seed=seed)


if __name__ == "__main__":
    qvar.launch(case)
