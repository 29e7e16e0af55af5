"""The public sets that can be prepared. Imports nothing slow, because the help text lists them."""

from __future__ import annotations

from dataclasses import dataclass

from lmk.system.errors import UsageError


@dataclass(frozen=True)
class PublicSet:
    """A set: its name on the command line, title, one line about it, public page, and reader.

    `module` in lmk.data.prepare.readers has `read(source: Source) -> Annotations`.
    """

    name: str
    title: str
    summary: str
    page: str
    module: str


PUBLIC_SETS = (
    PublicSet(
        "mpii",
        "MPII Human Pose",
        "people, 16 joints and head boxes: the core of the paper",
        "http://human-pose.mpi-inf.mpg.de",
        "mpii",
    ),
    PublicSet(
        "lsp",
        "Leeds Sports Pose",
        "people, 14 joints: the first 1,000 train, the others test",
        "https://sam.johnson.io/research/lsp.html",
        "lsp",
    ),
    PublicSet(
        "lsp-extended",
        "Leeds Sports Pose Extended",
        "people, up to 14 joints: 10,000 for training",
        "https://sam.johnson.io/research/lspet.html",
        "lsp_extended",
    ),
    PublicSet(
        "bbc-pose",
        "BBC-Pose",
        "sign language on television, 7 joints, 20 videos",
        "https://www.robots.ox.ac.uk/~vgg/data/pose/",
        "bbc_pose",
    ),
    PublicSet(
        "celeba",
        "CelebA with the MAFL lists",
        "faces, 5 points: trains on all except MAFL's test faces",
        "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, the lists from "
        "http://mmlab.ie.cuhk.edu.hk/projects/TCDCN.html",
        "celeba",
    ),
    PublicSet(
        "aflw",
        "AFLW (release 2 of the unsupervised landmark papers)",
        "faces, 5 points: 10,122 train, 2,991 test",
        "http://www.robots.ox.ac.uk/~vgg/research/unsupervised_landmarks/",
        "aflw",
    ),
    PublicSet(
        "mtfl",
        "MTFL",
        "faces, 5 points: 10,000 train, 2,995 of AFLW test",
        "http://mmlab.ie.cuhk.edu.hk/projects/TCDCN.html",
        "mtfl",
    ),
    PublicSet(
        "300w-lp",
        "300W-LP",
        "faces rotated by rendering, 68 points: 61,225 images",
        "http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm",
        "w300_lp",
    ),
    PublicSet(
        "ls3d",
        "LS3D-W",
        "faces in all poses, 68 points: the balanced 7,200 test images",
        "https://www.adrianbulat.com/face-alignment",
        "ls3d",
    ),
    PublicSet(
        "cats-head",
        "Cats Head",
        "cats, 9 points: folders CAT_00 to CAT_03 train, the others test",
        "https://archive.org/details/CAT_DATASET",
        "cats_head",
    ),
    PublicSet(
        "ut-zap50k",
        "UT-Zappos50K",
        "shoes on white, no points: 500 test, the others train",
        "https://vision.cs.utexas.edu/projects/finegrained/utzap50k/",
        "ut_zap50k",
    ),
)


def find_set(name: str) -> PublicSet:
    """Find a set by its name. Raises UsageError that lists the names."""
    for public_set in PUBLIC_SETS:
        if public_set.name == name:
            return public_set
    names = ", ".join(public_set.name for public_set in PUBLIC_SETS)
    raise UsageError(f"unknown public set {name}: expected one of {names}")
