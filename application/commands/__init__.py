"""What users can request: commands on audits, audit templates and plans; the plug-in catalogue."""
