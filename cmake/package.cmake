# What is installed beside the program, and the Debian package: cmake --install, or cpack in the build folder.
# Included by the top level when there is a program.
include(GNUInstallDirs)
option(SFE_SYSTEMD "Install the systemd unit, sysusers and tmpfiles" ON)
set(SFE_MAINTAINER "sfedge maintainers <sfedge@packages.debian.org>" CACHE STRING
  "Who stands behind a package: name <address>")
set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(packaged ${PROJECT_BINARY_DIR}/packaging)
file(MAKE_DIRECTORY ${packaged})

# Manual pages and completion come from the tables that the program runs on. A cross build needs an emulator for that
# (CMAKE_CROSSCOMPILING_EMULATOR), and goes without them where there is none.
find_program(SFE_GZIP gzip)
if(SFE_GZIP AND (NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR))
  add_custom_command(OUTPUT ${packaged}/sfedge.8.gz ${packaged}/sfedge.json.5.gz ${packaged}/completion
    COMMAND sfedge manual 8 > ${packaged}/sfedge.8
    COMMAND sfedge manual 5 > ${packaged}/sfedge.json.5
    COMMAND ${SFE_GZIP} -9nf ${packaged}/sfedge.8 ${packaged}/sfedge.json.5
    COMMAND sfedge completion bash > ${packaged}/completion
    DEPENDS sfedge VERBATIM)
  add_custom_target(manual_pages ALL
    DEPENDS ${packaged}/sfedge.8.gz ${packaged}/sfedge.json.5.gz ${packaged}/completion)
  install(FILES ${packaged}/sfedge.8.gz DESTINATION share/man/man8)
  install(FILES ${packaged}/sfedge.json.5.gz DESTINATION share/man/man5)
  install(FILES ${packaged}/completion DESTINATION share/bash-completion/completions RENAME sfedge)
endif()
install(FILES config/sfedge.schema.json DESTINATION share/sfedge)
install(FILES config/sfedge.example.json config/errors.md config/THREATS.md DESTINATION share/doc/sfedge)
install(DIRECTORY config/examples DESTINATION share/doc/sfedge FILES_MATCHING PATTERN "*.json")

if(SFE_SYSTEMD)
  # Where the program is, is known when it is installed.
  install(CODE "set(SFE_BIN \"\${CMAKE_INSTALL_PREFIX}/bin\")
    configure_file(${packaging}/systemd/sfedge.service.in ${packaged}/sfedge.service @ONLY)")
  install(FILES ${packaged}/sfedge.service DESTINATION lib/systemd/system)
  install(FILES ${packaging}/systemd/sfedge.sysusers DESTINATION lib/sysusers.d RENAME sfedge.conf)
  install(FILES ${packaging}/systemd/sfedge.tmpfiles DESTINATION lib/tmpfiles.d RENAME sfedge.conf)
  install(DIRECTORY ${packaging}/systemd/examples/ DESTINATION share/doc/sfedge/examples/systemd)
endif()

# cpack -G DEB. Libraries and their versions are found by dpkg-shlibdeps; a package is as reproducible as its build
# (SOURCE_DATE_EPOCH).
set(CPACK_PACKAGE_NAME sfedge)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${SFE_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "edge agent between the devices and tills of a site and Salesforce")
set(CPACK_PACKAGE_DESCRIPTION "It takes events from MQTT, HTTP and files, keeps them on flash until they are
delivered, and writes them to Salesforce in as few API calls as possible.
What was acknowledged survives power cuts and outages. What happens in
Salesforce flows back the same way.")
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "mosquitto, bash-completion")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/deb/postinst ${packaging}/deb/prerm ${packaging}/deb/postrm
  ${packaging}/deb/conffiles)
# Only a Debian package has these.
execute_process(COMMAND date -u -R -d @${SFE_BUILD_UNIX_S} OUTPUT_VARIABLE SFE_BUILD_DATE
  OUTPUT_STRIP_TRAILING_WHITESPACE)
configure_file(${packaging}/deb/changelog ${packaged}/changelog @ONLY)
if(SFE_GZIP)
  execute_process(COMMAND ${SFE_GZIP} -9nf ${packaged}/changelog)
endif()
install(FILES ${packaged}/changelog.gz ${packaging}/deb/copyright DESTINATION share/doc/sfedge
  COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${packaging}/deb/sfedge.default DESTINATION /etc/default RENAME sfedge
  COMPONENT debian EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};sfedge;ALL;/" "${PROJECT_BINARY_DIR};sfedge;debian;/")
include(CPack)
