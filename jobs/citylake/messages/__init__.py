"""How people are told: letters, and what to do about each reason, in Chinese and English."""
