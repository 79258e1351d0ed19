"""Contracts that anybody's models and object stores can run as tests of their own."""

from geoinfinite.testing.model_contract import ModelContract as ModelContract
