################################################################################
#
# sfedge
#
################################################################################

SFEDGE_VERSION = 0.1.0
SFEDGE_SITE = $(BR2_EXTERNAL_SFEDGE_PATH)/../..
SFEDGE_SITE_METHOD = local
SFEDGE_LICENSE = Apache-2.0
SFEDGE_LICENSE_FILES = LICENSE
SFEDGE_DEPENDENCIES = cjson libcurl mbedtls paho-mqtt-c zlib

# The unit comes with SFE_SYSTEMD; the start script below goes to init.d.
SFEDGE_CONF_OPTS = -DSFE_TESTS=OFF -DSFE_SYSTEMD=$(if $(BR2_INIT_SYSTEMD),ON,OFF)

define SFEDGE_USERS
	sfedge -1 sfedge -1 * /var/lib/sfedge - - sfedge agent
endef

define SFEDGE_PERMISSIONS
	/var/lib/sfedge d 750 sfedge sfedge - - - - -
	/etc/sfedge d 750 root sfedge - - - - -
endef

define SFEDGE_MAKE_FOLDERS
	$(INSTALL) -d -m 0750 $(TARGET_DIR)/etc/sfedge $(TARGET_DIR)/var/lib/sfedge
endef
SFEDGE_POST_INSTALL_TARGET_HOOKS += SFEDGE_MAKE_FOLDERS

define SFEDGE_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(@D)/packaging/sysv/S50sfedge $(TARGET_DIR)/etc/init.d/S50sfedge
endef

# Installed by cmake already; named so that Buildroot knows of it.
define SFEDGE_INSTALL_INIT_SYSTEMD
	test -f $(TARGET_DIR)/usr/lib/systemd/system/sfedge.service
endef

$(eval $(cmake-package))
