"""Contracts that anybody's models and object stores can run as tests of their own; needs pytest."""

import pytest

# A failed assertion then says what was compared.
pytest.register_assert_rewrite("geoinfinite.testing.model_contract", "geoinfinite.testing.objects_contract")

from geoinfinite.testing.model_contract import ModelContract as ModelContract  # noqa: E402
from geoinfinite.testing.objects_contract import ObjectsContract as ObjectsContract  # noqa: E402
