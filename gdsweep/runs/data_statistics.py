"""What the data sets of a store held when they were last launched: settings follow from it.

A store is collected on machines that do not see the data too: there the record answers, so that a
grid means the same runs everywhere.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

from gdsweep import atomic
from gdsweep.config.set_statistics import SetStatistics
from gdsweep.errors import BadInput
from gdsweep.runs.store import Store


def read_statistics(store: Store) -> dict[str, SetStatistics]:
    """Training sets' statistics by data set; raises BadInput for a damaged record."""
    try:
        content = json.loads(store.data_statistics.read_bytes())
        return {name: SetStatistics(**values) for name, values in content.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{store.data_statistics}: damaged ({error}); remove it, the next launch writes it anew"
        ) from None


def record_statistics(store: Store, by_data_set: Mapping[str, SetStatistics]) -> None:
    """Add statistics to the store's, by data set; the newer win. Raises OSError."""
    known = read_statistics(store)
    if any(known.get(name) != statistics for name, statistics in by_data_set.items()):
        merged = {name: asdict(one) for name, one in {**known, **by_data_set}.items()}
        atomic.write_json(store.data_statistics, merged)
