"""Everything that "What we found" rests on: one campaign a line, in the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass

SEEDS, BUDGET, MORE = 6, 300, 1000
"""Starts of each contender, evaluations of each start, and those of the generic circuits that get more of them."""

MOLECULES = {
    "h4": ((1.0, 0.8, 1.5), (4, 4)),
    "lih": ((1.546, 1.2, 2.5), (4, 6)),
    "h2o": ((0.9584, 0.8, 1.5), (8, 6)),
    "n2": ((1.0977, 0.95, 1.4), (6, 6)),
    "beh2": ((1.3264, 1.1, 2.0), (4, 6)),
    "h6": ((1.0, 0.8, 1.5), (6, 6)),
}
"""Molecule -> its bonds in angstrom (the usual one, a shorter one, a longer one), and (electrons, orbitals) that are
active: all of STO-3G for the chains and LiH, the valence of water, BeH2 without its core, six of the orbitals of N2."""

EVERYWHERE = (
    "hardware_efficient", "real_amplitudes", "efficient_su2", "identity_blocks", "uccsd", "uccsd spin-adapted",
    "uccsd qubit", "uccd", "puccd", "uccgsd", "kupccgsd", "orbital_optimized puccd", "gate_fabric", "tups",
    "givens_fabric", "lucj", "ucj", "symmetry_preserving", "particle_conserving_u1", "particle_conserving_u2",
)  # fmt: skip
"""Ansätze at all bonds; at the usual bond all of `qvar list ansatze` take part."""

LAYERED = ("real_amplitudes", "gate_fabric", "tups", "kupccgsd", "lucj")
"""Ansätze that are tried at other depths than four layers."""


@dataclass(frozen=True)
class Campaign:
    """A case at several values of its arguments, and the kept ledger that its rows go to."""

    name: str
    """Name of its folder."""
    ledger: str
    """Kept ledger: `qvar/ledgers/<ledger>.parquet`."""
    case: str
    """Name of the case."""
    flags: tuple[str, ...] = ()
    """Flags of the case at all points."""
    sweeps: tuple[str, ...] = ()
    """Arguments that are swept, as `qvar submit` takes them."""

    @property
    def words(self) -> list[str]:
        """Words after `qvar submit`."""
        swept = [word for text in self.sweeps for word in ("--sweep", text)]
        return [self.case, *self.flags, *swept, "--queue", "local", "--no-progress"]


def _duel(name: str, molecule: str, *flags: object, basis: str = "sto-3g", **sweeps: object) -> Campaign:
    (_, space) = MOLECULES[molecule]
    words: list[object] = ["--molecule", molecule, "--basis", basis]
    words += ["--active-space", *space] if molecule in ("n2", "beh2") or basis != "sto-3g" else []
    words += ["--seeds", SEEDS, *flags]
    swept = tuple(f"{key}={_text(values)}" for key, values in sweeps.items())
    return Campaign(f"{name}-{molecule}", "families", "family_duel", tuple(map(str, words)), swept)


def _text(values: object) -> str:
    return ",".join(map(str, values)) if isinstance(values, tuple) else str(values)


def _usual(molecule: str) -> Campaign:
    return _duel("usual", molecule, "--gradients", BUDGET, bond=MOLECULES[molecule][0][:1])


def _bonds(molecule: str) -> Campaign:
    return _duel("bonds", molecule, "--gradients", BUDGET, "--contenders", *EVERYWHERE, bond=MOLECULES[molecule][0][1:])


def _basis(molecule: str) -> Campaign:
    bond = MOLECULES[molecule][0][0]
    flags = ("--bond", bond, "--gradients", BUDGET, "--contenders", *EVERYWHERE)
    return _duel("basis", molecule, *flags, basis="6-31g")


def _depths(molecule: str) -> list[Campaign]:
    bond = MOLECULES[molecule][0][0]
    flags = ("--bond", bond, "--gradients", BUDGET, "--contenders", *LAYERED[1:])
    more = ("--bond", bond, "--gradients", MORE, "--contenders", LAYERED[0])
    return [
        _duel("depths", molecule, *flags, layers=(1, 2, 8)),
        _duel("deep", molecule, *more, layers=(4, 8, 16)),
    ]


def _plateaus(name: str, flags: str) -> Campaign:
    return Campaign(name, "trainability", "barren_plateaus", tuple(flags.split()))


def _small(molecule: str) -> Campaign:
    words = f"--molecule {molecule} --bonds {MOLECULES[molecule][0][0]} --circuits hardware_efficient --layers 8"
    more = f"--entangler cnot_chain --starts uniform gaussian zero --seeds 10 --gradients {MORE}"
    return Campaign(f"small-{molecule}", "starts", "starts", (*words.split(), *more.split()))


_GROWN = (("h4", 1.0), ("h4", 1.5), ("lih", 1.546), ("lih", 2.5))

CAMPAIGNS: tuple[Campaign, ...] = (
    *(_usual(molecule) for molecule in MOLECULES),
    _plateaus("plateaus", "--sizes 4 6 8 10 12 --samples 400"),
    _plateaus("plateaus-14", "--sizes 14 --samples 100"),
    _plateaus("starts", "--sizes 4 6 8 10 12 --samples 200 --starts zero mp2 ccsd identity_blocks --noise 0.05"),
    *(Campaign(f"grown-{molecule}-{bond}", "growing", "adapt",
        ("--molecule", molecule, "--bond", str(bond), "--seeds", str(SEEDS))) for molecule, bond in _GROWN),
    *(_small(molecule) for molecule in ("h4", "lih")),
    Campaign("pruned", "pruning", "prune", (), ("molecule=h4,lih",)),
    Campaign("distilled", "distilling", "distil", (), ("bond=1.0,1.5",)),
    Campaign("more-ising", "more_parameters", "more_parameters", ("--seeds", "20")),
    Campaign("more-h4", "more_parameters", "more_parameters",
        ("--model", "h4", "--seeds", "10", "--family", "constrained")),
    *(_bonds(molecule) for molecule in MOLECULES),
    *(_basis(molecule) for molecule in MOLECULES),
    *(campaign for molecule in MOLECULES for campaign in _depths(molecule)),
)  # fmt: skip
"""All campaigns."""
