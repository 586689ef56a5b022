"""The core imports neither detectron2 nor transformers."""

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
import gdsweep.interop, gdsweep.commands.convert, gdsweep.data.catalog, gdsweep.commands.predict
import gdsweep.interop.inspect, gdsweep.train.trainer
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_neither_is_imported(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=root
    )
    assert not {"detectron2", "transformers"} & set(done.stdout.split())
    assert "torch" in done.stdout.split()
