"""`make results`: runs the campaigns that are not done, keeps their rows, writes the pages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from findings.campaigns import work
from findings.keep import keep
from findings.pages import write_pages
from findings.plan import CAMPAIGNS
from qvar.analysis.kept_ledgers import kept_ledger


def main() -> int:
    """Do what the command line asks for; the exit status is 1 if a campaign has no ledger in the end."""
    parser = argparse.ArgumentParser(prog="findings", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="first letters of campaigns, such as usual-h4 (all)")
    parser.add_argument("--runs", type=Path, default=Path("runs") / "results", metavar="FOLDER", help="their folder")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes at the same time (1)")
    parser.add_argument("--keep", action="store_true", help="run nothing: keep the rows that are there, write pages")
    parser.add_argument("--pages", action="store_true", help="run and keep nothing: write the pages")
    args = parser.parse_args()
    well = True
    if not args.pages:
        chosen = [one for one in CAMPAIGNS if not args.names or one.name.startswith(tuple(args.names))]
        well = args.keep or work(chosen, args.runs, args.workers)
        keep(CAMPAIGNS, args.runs)
        kept_ledger.cache_clear()
    write_pages()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
