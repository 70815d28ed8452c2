"""The whole gallery on one page: where fewer parameters are enough, by how much, and where they are not."""

import runpy
from pathlib import Path

import qvar

ENTRIES = {
    "bond": (
        "Is a chemical bond a spring?",
        "To dissociation no law of two or three parameters holds: Morse's curve misses H2 by a millihartree, and a "
        "polynomial with nine parameters is better.",
    ),
    "rubber": (
        "How many constants does rubber need?",
        "If all modes of deformation were measured, six or eight constants of Ogden's law are better than two of a "
        "chain network, also from 18 noisy points; they fail completely if one mode was measured.",
    ),
    "texture": (
        "How are the crystals of a pressed powder oriented?",
        "Other textures, such as crystals that are tilted, are not in the one-parameter family: its error then stays, "
        "however much is counted.",
    ),
    "forest": (
        "How much carbon does a forest take up in drier air with more CO2?",
        "Light and leaf area alone do not determine the parameters of leaves; measurements on leaves do, of which an "
        "efficiency can make no use.",
    ),
    "digits": (
        "Which network reads handwritten digits from few examples?",
        "A convolution has few parameters and uses each of them many times: fewer parameters are not fewer operations.",
    ),
    "sequence": (
        "Does a recurrent network need all its gates?",
        "Three quarters of the parameters are no law of a problem: which network is better depends on problem and "
        "size, and often the seeds do not decide it (Chung et al. 2014 found no winner, either).",
    ),
    "depth": (
        "Is a deep network better than a wide one?",
        "A small deep network is equal to the composed tent map, but training from random starts need not find it, and "
        "a smooth target needs no depth.",
    ),
    "compress": (
        "How small can a trained network be made?",
        "The large network has to be trained first, and below some size every way costs accuracy.",
    ),
    "adapter": (
        "Must all of a network be trained again for new classes?",
        "An adapter is limited by what the frozen network distinguishes, and has to be stored beside it.",
    ),
    "overparametrized": (
        "Do more parameters than data hurt?",
        "Only at the threshold, where there are as many parameters as numbers to be fitted, and without a penalty; far "
        "beyond it the error falls again. Penalties constrain the size of parameters and not their number.",
    ),
}
"""{name of a case: (question, where its claim fails)}"""


def case(entries: tuple[str, ...] = (), quick: bool = False) -> qvar.Gallery:
    """Runs all cases of the gallery, and compares the best generic with the best constrained model in each.

    The page has one line for each setting of each case: both models, their parameters, errors on data that they were
    not fitted to, the repetitions that the constrained one wins, differences of AIC and BIC if there is noise, and a
    sentence on where the claim fails.

    Args:
        entries: Names of the cases, such as bond and rubber; all if not given.
        quick: Each case in its quick form: some minutes for all.
    """
    wrong = sorted(set(entries) - set(ENTRIES))
    qvar.require(not wrong, "entries", f"be names of {', '.join(ENTRIES)}", entries)
    members = []
    for name in entries or ENTRIES:
        study = runpy.run_path(str(Path(__file__).parent / f"{name}.py"))["case"](quick=quick)
        question, limit = ENTRIES[name]
        members.append(qvar.GalleryEntry(name, question, study, limit=limit))
    return qvar.Gallery(members)


if __name__ == "__main__":
    qvar.launch(case)
