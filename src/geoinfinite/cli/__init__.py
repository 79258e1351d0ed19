"""The command line; the only folder that prints. Nothing heavy is imported before a command runs."""

from geoinfinite.cli.entry import main as main
