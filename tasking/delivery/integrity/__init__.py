"""What files of this field are: by their first bytes, and by what a name or a media type claims."""
