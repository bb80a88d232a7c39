# `make package`: simpleim_<version>_amd64.deb and simpleim-<version>-linux-amd64.tar.gz in build/release. What the binary is
# linked with becomes the package's dependencies (dpkg-shlibdeps); libvips is loaded when there is a picture, so it stands by hand.
include(GNUInstallDirs)
set(PACKAGE_DIR ${CMAKE_SOURCE_DIR}/deploy/package)
set(PACKAGE_OUT ${CMAKE_BINARY_DIR}/package)
configure_file(${PACKAGE_DIR}/simpleim.1.in ${PACKAGE_OUT}/simpleim.1 @ONLY)

# The unit of deploy/systemd, for where a package puts the binary.
file(READ deploy/systemd/simpleim.service UNIT)
string(REPLACE "/usr/local/bin/simpleim" "/usr/bin/simpleim" UNIT "${UNIT}")
string(REGEX REPLACE "^# SimpleIM, one node[^\n]*\n(#[^\n]*\n)*" "# SimpleIM, one node. Settings: /etc/simpleim/simpleim.toml. Data: /var/lib/simpleim.\n" UNIT "${UNIT}")
file(CONFIGURE OUTPUT ${PACKAGE_OUT}/simpleim.service CONTENT "${UNIT}" @ONLY)

# Every setting with its default, as comments.
add_custom_command(OUTPUT ${PACKAGE_OUT}/simpleim.toml
  COMMAND ${CMAKE_SOURCE_DIR}/scripts/write-default-config.sh $<TARGET_FILE:simpleim> ${PACKAGE_OUT}/simpleim.toml
  DEPENDS simpleim ${CMAKE_SOURCE_DIR}/scripts/write-default-config.sh VERBATIM)
add_custom_command(OUTPUT ${PACKAGE_OUT}/simpleim.1.gz
  COMMAND gzip -9nc ${PACKAGE_OUT}/simpleim.1 > ${PACKAGE_OUT}/simpleim.1.gz DEPENDS ${PACKAGE_OUT}/simpleim.1)
add_custom_target(package_files DEPENDS simpleim ${PACKAGE_OUT}/simpleim.toml ${PACKAGE_OUT}/simpleim.1.gz)

install(TARGETS simpleim RUNTIME DESTINATION usr/bin)
install(FILES ${PACKAGE_OUT}/simpleim.service DESTINATION usr/lib/systemd/system)
install(FILES ${PACKAGE_OUT}/simpleim.toml DESTINATION etc/simpleim)
install(FILES ${PACKAGE_OUT}/simpleim.1.gz DESTINATION usr/share/man/man1)
install(FILES ${PACKAGE_DIR}/simpleim.bash DESTINATION usr/share/bash-completion/completions RENAME simpleim)
install(FILES LICENSE DESTINATION usr/share/doc/simpleim RENAME copyright)
install(FILES README.md README.zh-CN.md CHANGELOG.md docs/operations.md DESTINATION usr/share/doc/simpleim)
install(FILES deploy/nginx/simpleim.conf DESTINATION usr/share/doc/simpleim/examples RENAME nginx.conf)

set(CPACK_PACKAGE_NAME simpleim)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "SimpleIM <simpleim@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "self-hosted instant messaging: server and web client in one binary")
set(CPACK_PACKAGE_FILE_NAME simpleim-${PROJECT_VERSION}-linux-amd64)
set(CPACK_GENERATOR "DEB;TGZ")
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_INSTALL_PREFIX /)
set(CPACK_STRIP_FILES ON)
set(CPACK_INCLUDE_TOPLEVEL_DIRECTORY ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, libvips42, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "nginx-light | nginx | caddy")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PACKAGE_DIR}/conffiles ${PACKAGE_DIR}/postinst ${PACKAGE_DIR}/prerm ${PACKAGE_DIR}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
