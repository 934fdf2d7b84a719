"""Names that vulture takes for unused, and why each is needed. Never imported."""

from __future__ import annotations

from typing import Any

_: Any = None

# Python and other libraries call these by name.
_.__getattr__  # the lazy public names of the package
_._repr_html_  # IPython, for a result and a picture
_._repr_png_  # IPython, for a plot
_.to_dataframe  # public, for notebooks
_.to_geodataframe  # public, for notebooks
_.model_config  # pydantic
_._value_  # enum, for the value of a member with more fields
_.on_start  # numba's listener
_.on_end  # numba's listener
_.handleError  # logging
_.computed_zorder  # read by matplotlib's three-dimensional axes
_.__qualname__  # numba names its cache files by it

# Fields that are written together, by vars(), dataclasses.asdict() or pydantic, into tables and JSON documents.
_.design_hash  # *.design.json
_.cpu_s  # figures.json
_.planar_km2  # series.csv
_.n_minibatch  # model.json
_.n_lloyd  # model.json
_.tolerance  # model.json
_.straddle  # model.json
_.n_days  # trend.json
_.n_years  # trend.json
_.n_values  # trend.json
_.n_left_out  # trend.json
_.n_before  # trend.json
_.n_after  # trend.json
_.first_under  # trend.json
_.last_under  # trend.json
_.tau  # trend.json
_.correlated  # trend.json
_.shift_km2  # trend.json
_.step_p  # trend.json
_.anomaly_km2  # trend.json
_.anomaly_percent  # trend.json
_.no_trend_because  # trend.json
_.seasonal  # trend.json
_.stderr_km2_per_year  # trend.json
_.slope_percent_per_decade  # trend.json
_.stderr_percent_per_decade  # trend.json
_.slope_km2_per_decade  # trend.json
_.slope_percent_per_year  # trend.json
_.percent_of_km2  # trend.json
_.bootstrap_km2_per_year  # trend.json
_.block_length  # trend.json
_.beside_day  # trend.json
_.beside_km2  # trend.json

# One of a set of numbers that belong together.
_.NORTH  # the fourth direction of a ring
