"""What everything is called and set to: settings, names, errors, the calendar, code lists, formats."""
