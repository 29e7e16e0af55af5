from __future__ import annotations

from itertools import count

import pytest

from lmk.inference.pool import Pool


def test_a_pool_makes_one_more_only_while_all_are_taken() -> None:
    pool = Pool(count().__next__)
    with pool.take() as first, pool.take() as second:
        assert (first, second) == (0, 1)
    with pool.take() as again, pool.take() as other:
        assert {again, other} == {0, 1}
        with pool.take() as third:
            assert third == 2


def test_a_pool_keeps_nothing_that_failed() -> None:
    pool = Pool(count().__next__)
    with pytest.raises(ValueError, match="failed"), pool.take():
        raise ValueError("failed")
    with pool.take() as one:
        assert one == 1


def test_what_cannot_be_made_is_an_error_where_the_pool_is_made() -> None:
    with pytest.raises(ZeroDivisionError):
        Pool(lambda: 1 / 0)
