"""Make src/loupe/data/sources/digits.npz from the UCI file `optdigits.tes`.

usage: python tools/make_digits.py optdigits.tes

The file (1,797 lines of 64 whole numbers 0..16 and a label) is part of "Optical Recognition of
Handwritten Digits", E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository,
https://doi.org/10.24432/C50P49, licence CC BY 4.0. Values and order are kept as they are.
"""

import sys
from pathlib import Path

import numpy as np

TARGET = Path(__file__).resolve().parent.parent / "src/loupe/data/sources/digits.npz"


def main(source: Path) -> None:
    rows = np.loadtxt(source, delimiter=",").astype(np.uint8)
    if rows.shape != (1797, 65) or rows[:, :64].max() != 16:
        sys.exit(f"{source}: got a table of {rows.shape}, expected 1797 x 65 with values 0..16")
    np.savez_compressed(TARGET, images=rows[:, :64].reshape(-1, 8, 8), labels=rows[:, 64])
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
