"""What every page has: templates, security headers, forms, errors."""
