from __future__ import annotations

import pytest

from lmk.data.mirror_names import mirror_partner


@pytest.mark.parametrize(
    ("name", "mirrored"),
    [
        ("left_eye", "right_eye"),
        ("eye-Right", "eye-Left"),
        ("outerEyeLeft2", "outerEyeRight2"),
        ("LShoulder", "RShoulder"),
        ("r_hip", "l_hip"),
        ("Paw R", "Paw L"),
        ("LEFT_EAR", "RIGHT_EAR"),
        ("ul_l", "ul_r"),
        ("lefteye", "righteye"),
        ("reye", "leye"),
        ("Reye", "Leye"),
        *((same, same) for same in ("nose", "upright", "L5 vertebra", "Rib", "collar", "leftover")),
    ],
)
def test_sides_are_words_of_the_names(name: str, mirrored: str) -> None:
    names = [name, "nose tip", mirrored]
    assert mirror_partner(name, names) == mirrored
    assert mirror_partner(mirrored, names) == name
