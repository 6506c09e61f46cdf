"""Every way in: translate, call one operation, present the outcome; no rules live here."""
