# Checked here: required variables, the checksum of the licence, the syntax of overrides, and FILES against what cmake
# --install puts down (tests/package/recipes_test.py). It has not been built by bitbake.
SUMMARY = "Edge agent between the devices and tills of a site and Salesforce"
DESCRIPTION = "Takes events from MQTT, HTTP and files, keeps them on flash until they are delivered, and writes them to \
Salesforce in as few API calls as possible."
SECTION = "console/network"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

DEPENDS = "curl mbedtls cjson paho-mqtt-c zlib"
RDEPENDS:${PN} = "ca-certificates"

inherit cmake systemd useradd externalsrc

# The source tree that this layer is in; or another one.
EXTERNALSRC ?= "${THISDIR}/../../../.."

EXTRA_OECMAKE = "-DSFE_TESTS=OFF"
PACKAGECONFIG ?= "${@bb.utils.filter('DISTRO_FEATURES', 'systemd', d)}"
PACKAGECONFIG[systemd] = "-DSFE_SYSTEMD=ON,-DSFE_SYSTEMD=OFF"

SYSTEMD_SERVICE:${PN} = "sfedge.service"

USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system sfedge"
USERADD_PARAM:${PN} = "--system --no-create-home --home-dir /var/lib/sfedge --shell /sbin/nologin --gid sfedge sfedge"

do_install:append() {
    install -d -m 0750 -g sfedge ${D}${sysconfdir}/sfedge
    install -d -m 0750 -o sfedge -g sfedge ${D}${localstatedir}/lib/sfedge
    if ${@bb.utils.contains('DISTRO_FEATURES', 'sysvinit', 'true', 'false', d)}; then
        install -D -m 0755 ${S}/packaging/sysv/S50sfedge ${D}${sysconfdir}/init.d/sfedge
    fi
}

FILES:${PN} += "\
    ${nonarch_libdir}/systemd/system/sfedge.service \
    ${nonarch_libdir}/sysusers.d/sfedge.conf \
    ${nonarch_libdir}/tmpfiles.d/sfedge.conf \
    ${datadir}/sfedge \
    ${sysconfdir}/sfedge \
    ${localstatedir}/lib/sfedge \
"
FILES:${PN}-bash-completion = "${datadir}/bash-completion"
PACKAGES =+ "${PN}-bash-completion"
