"""Contracts that anybody's models and object stores can run as tests of their own; needs pytest."""

import pytest

# A failed assertion then says what was compared.
for _contract in ("condition_contract", "model_contract", "steered_model_contract", "objects_contract"):
    pytest.register_assert_rewrite(f"geoinfinite.testing.{_contract}")

from geoinfinite.testing.condition_contract import ConditionContract as ConditionContract  # noqa: E402
from geoinfinite.testing.model_contract import ModelContract as ModelContract  # noqa: E402
from geoinfinite.testing.objects_contract import ObjectsContract as ObjectsContract  # noqa: E402
from geoinfinite.testing.steered_model_contract import SteeredModelContract as SteeredModelContract  # noqa: E402
