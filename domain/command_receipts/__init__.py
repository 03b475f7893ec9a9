"""Receipts of commands that have an idempotency key, so that a repeated one changes nothing."""

from domain.command_receipts.command_receipt import CommandReceipt
from domain.command_receipts.events import CommandHandled

__all__ = ["CommandHandled", "CommandReceipt"]
