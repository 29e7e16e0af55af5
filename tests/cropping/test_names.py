from __future__ import annotations

import pytest

from lmk.cropping.names import LONGEST, Names


def test_pictures_of_one_name_get_names_of_their_own() -> None:
    names, pictures = Names(), ["a/x.jpg", "b/x.jpg", "a/x.png", "a_x.jpg", "A/X.JPG", "a/x~2.jpg"]
    given = [names.name(picture) for picture in pictures]
    assert given == ["a_x", "b_x", "a_x~2", "a_x~3", "A_X~4", "a_x_2"]


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("two friends & I.jpg", "two_friends_I"),
        ("día/犬.png", "día_犬"),
        ("v1.2/shot.final.jpeg", "v1.2_shot.final"),
        ("-rf:*?\n.jpg", "rf_"),
        (".hidden/.x.jpg", "hidden_.x"),
        ("...", "picture"),
        ("\udcff.jpg", "picture"),
        ("folder.d/no_suffix", "folder.d_no_suffix"),
    ],
)
def test_a_name_is_safe_on_every_system(picture: str, name: str) -> None:
    assert Names().name(picture) == name


def test_a_long_name_keeps_its_end() -> None:
    name = Names().name("犬" * 200 + "/last.jpg")
    assert name.endswith("犬_last")
    assert len(name) == LONGEST
    assert len(f"{name}~99999-32.jpg".encode()) <= 255
