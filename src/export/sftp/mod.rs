//! OpenDAL service for SFTP on russh.
