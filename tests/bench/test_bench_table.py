from __future__ import annotations

from io import StringIO

from bench.records import absent, bench_record, row
from rich.console import Console

from lmk.bench.cases import Case
from lmk.bench.table import print_record


def printed(record: dict) -> list[str]:
    console = Console(file=StringIO(), width=140)
    print_record(record, console)
    return console.file.getvalue().splitlines()


LONGEST = [
    row(Case("onnxruntime", "cpu", "fp16", 16), 1234.5, 0.01234, "fp32", [2**n for n in range(7)]),
    row(Case("onnxruntime", "cuda", "fp16"), 0.31, 0.001, batches=[2**n for n in range(7)]),
    row(Case("tensorrt-rtx", "cuda", "int8"), 0.21, 0.51, batches=[2**n for n in range(7)]),
]


def test_it_is_100_columns_wide_at_most_and_nothing_is_cut() -> None:
    for one in LONGEST:
        one["measured"]["disturbed"] = True
        one["measured"]["other_load_cores"] = 3.25
    reason = "no NVIDIA driver found (libcuda.so.1 is not installed): " + "install the driver " * 9
    lines = printed(bench_record([*LONGEST, absent(Case("tensorrt", "cuda", "fp16"), reason)]))
    assert max(map(len, lines)) <= 100
    assert not [line for line in lines if "…" in line]
    assert "install the driver" in " ".join(lines)


def test_every_speed_has_its_price_beside_it() -> None:
    rows = [
        row(Case("openvino", "cpu", "fp32"), 20.0, 1e-5),
        row(Case("openvino", "cpu", "int8"), 5.0, 0.321),
    ]
    lines = printed(bench_record(rows))
    titles = ("Inference of one picture", "Pictures per second")
    for title in titles:
        start = next(i for i, line in enumerate(lines) if line.startswith(title))
        assert "mean px" in lines[start + 1]
        assert "0.32" in next(line for line in lines[start:] if "int8" in line)


def test_a_precision_that_was_not_computed_in_is_shown_as_what_it_is() -> None:
    lines = printed(bench_record([row(Case("onnxruntime", "cpu", "fp16"), computed="fp32")]))
    assert any("fp16>fp32" in line for line in lines)


def test_a_disturbed_run_says_so_in_its_rows_and_below() -> None:
    quiet, loud = (row(Case("openvino", "cpu", p)) for p in ("fp32", "bf16"))
    loud["measured"] |= {"disturbed": True, "other_load_cores": 1.26}
    lines = printed(bench_record([quiet, loud]))
    assert any("bf16*" in line for line in lines)
    assert not any("fp32*" in line for line in lines)
    assert any(
        line.startswith("* disturbed: other programs used up to 1.3 cores") for line in lines
    )
    assert not any("disturbed" in line for line in printed(bench_record([quiet])))


def test_rows_that_cannot_run_stand_together_with_their_reason() -> None:
    cases = [Case("tensorrt", "cuda", precision) for precision in ("fp32", "fp16", "int8")]
    lines = printed(bench_record([absent(case, "no NVIDIA driver found") for case in cases]))
    (line,) = (line for line in lines if "tensorrt" in line)
    assert line.split() == ["tensorrt", "fp32", "fp16", "int8", "no", "NVIDIA", "driver", "found"]
