"""Notifications of Nova and Cinder, over oslo.messaging: from messages to facts."""
