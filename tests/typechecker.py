"""What checks annotations in the tests: beartype, with integers welcome where floats are asked for."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
