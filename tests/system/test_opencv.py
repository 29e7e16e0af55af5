from __future__ import annotations

import threading

from lmk.system.opencv import cv2, quiet


def test_silence_lasts_until_the_last_thread_leaves_it() -> None:
    level = cv2.utils.logging.getLogLevel()
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with quiet():
            entered.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    with quiet():
        holder.start()
        assert entered.wait(10)
    assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_SILENT != level
    leave.set()
    holder.join(10)
    assert cv2.utils.logging.getLogLevel() == level
