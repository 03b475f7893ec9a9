"""Reads notifications of Nova and Cinder from oslo.messaging, and translates them to facts."""
