"""The screens, in Streamlit. Everything they know they ask of `matching`."""
