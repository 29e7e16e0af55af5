from __future__ import annotations

import numpy as np
from data.prepare.face_trees import FACE

from lmk.data.coco import KeypointSet
from lmk.data.prepare.faces import SIXTY_EIGHT_POINTS, face_square
from lmk.data.prepare.record import Square

# Mirrored partners of the 68 points, counted from 1, as 300W's own tools list them.
IBUG_PAIRS = [
    *((1, 17), (2, 16), (3, 15), (4, 14), (5, 13), (6, 12), (7, 11), (8, 10)),
    *((18, 27), (19, 26), (20, 25), (21, 24), (22, 23), (32, 36), (33, 35)),
    *((37, 46), (38, 45), (39, 44), (40, 43), (41, 48), (42, 47)),
    *((49, 55), (50, 54), (51, 53), (62, 64), (61, 65), (68, 66), (59, 57), (60, 56)),
]


def test_mirroring_swaps_the_pairs_of_ibug() -> None:
    empty = np.zeros((0, 68, 2), np.float32)
    crops, labelled = np.zeros((0, 4, 4, 3), np.uint8), np.zeros((0, 68), np.bool_)
    order = KeypointSet(crops, empty, labelled, list(SIXTY_EIGHT_POINTS)).mirrored_order()
    expected = list(range(68))
    for first, second in IBUG_PAIRS:
        expected[first - 1], expected[second - 1] = second - 1, first - 1
    assert order == expected


def test_a_face_of_the_public_list_is_framed_as_in_the_shared_set() -> None:
    """Aaron_Eckhart_0001.jpg of the CNN facial point list, whose shared crop was made elsewhere.

    There 140 px were cut out, and the left eye lies at (57.5, 48.93) of 160 px.
    """
    flat = [106.25, 107.75, 146.75, 112.25, 125.25, 142.75, 105.25, 157.75, 139.75, 161.75]
    xy_image = np.array(flat, np.float32).reshape(5, 2)
    left, top, side = face_square(xy_image)
    assert side == 140
    left_eye = (xy_image[0] + 0.5 - [left, top]) * 160 / side - 0.5
    np.testing.assert_allclose(left_eye, [57.5, 48.93], atol=0.005)


def test_a_face_is_framed_alike_by_5_and_by_68_points() -> None:
    xy_image = np.full((68, 2), 900, np.float32)  # jaw and brows do not count
    xy_image[36:42] = FACE[0] + np.array([[-8, 0], [-3, -4], [3, -4], [8, 0], [3, 4], [-3, 4]])
    xy_image[42:48] = FACE[1] + np.array([[-8, 0], [-3, -4], [3, -4], [8, 0], [3, 4], [-3, 4]])
    xy_image[[30, 48, 54]] = FACE[2:]
    assert face_square(xy_image) == face_square(FACE.astype(np.float32)) == Square(-47, -26, 216)
