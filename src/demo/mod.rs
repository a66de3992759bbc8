//! What `vidne demo` needs beside the product itself.
